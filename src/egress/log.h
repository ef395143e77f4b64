// What one guest reached and tried to reach: a bounded log in memory. Repeats of one thing are one row with a count.
// Pure: time is passed in. Allowed and refused rows have room of their own, so a flood of refusals hides nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/json.h"
#include "egress/reason.h"
#include "net/ipv4.h"

namespace banger::egress {

/// For people: the time of day.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Something that happened.
struct LogEvent {
  std::string name = {};   ///< any bytes; may be empty
  net::Ipv4 address = 0;   ///< 0: a lookup
  std::uint16_t port = 0;  ///< 0: a lookup
  Reason reason = Reason::allowed;
  std::uint64_t sent = 0;      ///< bytes of the guest
  std::uint64_t received = 0;  ///< bytes for the guest
  bool begins = true;          ///< false: only more bytes of what was logged before; the count stays
};

/// Events with the same name, address, port and reason.
struct LogRow {
  std::string name;  ///< printable, at most limits::kLogNameBytes of what came
  net::Ipv4 address = 0;
  std::uint16_t port = 0;
  Reason reason = Reason::allowed;
  std::uint64_t sent = 0, received = 0, count = 0;
  WallTime first, last;
  std::uint64_t sequence = 0;  ///< of its last change; grows with every event
};

class Log {
 public:
  Log();
  explicit Log(std::size_t most_rows);  ///< of each kind

  /// Beyond the limit, the row whose last change is oldest goes.
  void add(const LogEvent& event, WallTime now);

  /// The rows that changed after `sequence`, oldest change first. 0 gives all rows. For followers: pass the sequence of
  /// the last row.
  std::vector<LogRow> since(std::uint64_t sequence) const;
  std::uint64_t last_sequence() const { return sequence_; }
  /// Rows that went because of the limit.
  std::uint64_t forgotten() const { return forgotten_; }
  void clear();

 private:
  using Key = std::tuple<std::string, net::Ipv4, std::uint16_t, Reason>;
  /// Rows of one kind, the latest change last.
  struct Rows {
    std::list<LogRow> list;
    std::map<Key, std::list<LogRow>::iterator> by_key;
  };

  std::size_t most_rows_;
  Rows allowed_, refused_;
  std::uint64_t sequence_ = 0, forgotten_ = 0;
};

/// One object: `{"name": "example.org", "address": "93.184.216.34", "port": 443, "verdict": "allowed", "reason":
/// "allowed", "sent": 517, "received": 4096, "count": 1, "first_at": 1700000000, "last_at": 1700000000, "sequence":
/// 1}`. Times are seconds since 1970. A lookup has no address and no port; a refusal has a "sentence" too.
Json to_json(const LogRow& row);

}  // namespace banger::egress
