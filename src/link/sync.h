// The handshake that opens a session on a channel which may lose or repeat bytes (see link.h). Either end searches a
// byte stream for `token ‖ nonce`. Pure: no descriptors, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::link {

inline constexpr std::size_t kTokenBytes = 16;
inline constexpr std::size_t kNonceBytes = 16;
inline constexpr std::size_t kHelloBytes = kTokenBytes + kNonceBytes;

/// `invalid` unless it is kTokenBytes long.
Result<> check_token(std::string_view token);

/// The first bytes that a guest end sends on a port: its token, and a nonce that no host uses.
std::string arrival(std::string_view token);

/// What the guest end found next in the bytes it read.
struct SyncEvent {
  enum class Kind {
    data,    ///< bytes of the current session, or garbage before the first
    hello,   ///< a host with a new nonce: drop everything, answer, start a new session
    repeat,  ///< the same hello again before any byte of its session: answer again
  };
  Kind kind = Kind::data;
  std::string_view data;  ///< valid until the next call
  std::string answer;     ///< token ‖ nonce
};

/// Guest end: searches every byte for the token, at all times. Once a session has begun, no data is held back, so no
/// reply waits for a byte that may never come. So the first part of a hello that is split between two reads passes as
/// data. That does no harm: a new hello ends the session, and hosts repeat a hello only before the session begins.
class HelloScanner {
 public:
  explicit HelloScanner(std::string token) : token_(std::move(token)) {}

  /// For hellos from now on. REQUIRES: check_token(token).
  void set_token(std::string token) { token_ = std::move(token); }
  /// `bytes` must stay valid until next() gave nullopt.
  void feed(std::string_view bytes) { rest_ = bytes; }
  std::optional<SyncEvent> next();
  /// Call when the host has gone: discards all bytes so far.
  void reset();
  const std::string& token() const { return token_; }

 private:
  std::optional<SyncEvent> take_nonce();
  std::optional<SyncEvent> open_session();
  bool token_across_reads();

  std::string token_;
  std::string_view rest_;
  std::string tail_;     ///< the last bytes passed on: a token may have begun in them
  std::string held_;     ///< first bytes after a hello while they may be another hello
  std::string handed_;   ///< owns the bytes of an event's view
  std::string partial_;  ///< the part of a nonce that has arrived
  std::string nonce_;    ///< of the current session; empty: none
  bool collecting_ = false;
  bool fresh_ = false;  ///< the hello was answered, and no byte of the session has arrived
};

/// Host end: waits for the 32 bytes to come back, then drops the further answers that directly follow.
class EchoScanner {
 public:
  explicit EchoScanner(std::string hello) : hello_(std::move(hello)) {}
  /// The bytes in it that belong to the session, if any.
  std::string feed(std::string_view bytes);
  bool synced() const { return state_ != State::searching; }
  /// No answers can follow: later bytes can bypass this scanner.
  bool settled() const { return state_ == State::settled; }

 private:
  enum class State { searching, stripping, settled };
  std::string hello_, seen_;
  State state_ = State::searching;
};

/// Host end, once a session has begun: searches every byte for the arrival of another agent, which may interrupt the
/// bytes of the agent before.
class ArrivalScanner {
 public:
  explicit ArrivalScanner(std::string_view token) { expect(token); }
  void expect(std::string_view token);
  /// The bytes in it that belong to the session: all, or those before the arrival.
  std::string_view feed(std::string_view bytes);
  bool arrived() const { return arrived_; }

 private:
  std::size_t find_arrival(std::string_view bytes) const;

  std::vector<std::string> arrivals_;  ///< one a token
  std::string tail_;                   ///< the last bytes passed on: an arrival may have begun in them
  bool arrived_ = false;
};

}  // namespace banger::link
