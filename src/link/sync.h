// The handshake that opens a session on a channel which may lose or repeat bytes (see link.h): finding `token ‖ nonce`
// in a byte stream, at either end. Pure: no descriptors, no clock.
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

/// What a guest end opens a port with: its token, and a nonce that no host has.
std::string arrival(std::string_view token);

/// What the guest end found next in what it read.
struct SyncEvent {
  enum class Kind {
    data,    ///< bytes of the current session, or garbage before the first
    hello,   ///< a host with a new nonce: drop everything, answer, start afresh
    repeat,  ///< the same hello again before any byte of its session: answer again
  };
  Kind kind = Kind::data;
  std::string_view data;  ///< valid until the next call
  std::string answer;     ///< token ‖ nonce
};

/// Guest end: looks at every byte, at all times, for the token. Data is never held back once a session has begun, so no
/// reply waits for a byte that may not come; the price is that a hello split between two reads has then passed in part
/// as data, which matters to no one because a new hello ends that session (and hosts repeat one only before it began).
class HelloScanner {
 public:
  explicit HelloScanner(std::string token) : token_(std::move(token)) {}

  /// For hellos from now on. REQUIRES: check_token(token).
  void set_token(std::string token) { token_ = std::move(token); }
  /// `bytes` must stay valid until next() gave nullopt.
  void feed(std::string_view bytes) { rest_ = bytes; }
  std::optional<SyncEvent> next();
  /// The host has gone: forgets what came before.
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
  std::string handed_;   ///< keeps the view in an event alive
  std::string partial_;  ///< a nonce in the making
  std::string nonce_;    ///< of the current session; empty: none
  bool collecting_ = false;
  bool fresh_ = false;  ///< answered, no byte of the session seen
};

/// Host end: waits for the 32 bytes to come back, then drops the further answers that directly follow.
class EchoScanner {
 public:
  explicit EchoScanner(std::string hello) : hello_(std::move(hello)) {}
  /// The bytes of the session in it, if any.
  std::string feed(std::string_view bytes);
  bool synced() const { return state_ != State::searching; }
  /// No answers can follow: bytes need not go through here any more.
  bool settled() const { return state_ == State::settled; }

 private:
  enum class State { searching, stripping, settled };
  std::string hello_, seen_;
  State state_ = State::searching;
};

/// Host end, once a session has begun: looks at every byte for the arrival of another agent, which may come in the
/// middle of what the one before was sending.
class ArrivalScanner {
 public:
  explicit ArrivalScanner(std::string_view token) { expect(token); }
  void expect(std::string_view token);
  /// The bytes of the session in it: all, or those before the arrival.
  std::string_view feed(std::string_view bytes);
  bool arrived() const { return arrived_; }

 private:
  std::size_t find_arrival(std::string_view bytes) const;

  std::vector<std::string> arrivals_;  ///< one a token
  std::string tail_;                   ///< the last bytes passed on: an arrival may have begun in them
  bool arrived_ = false;
};

}  // namespace banger::link
