// One HTTP/2 session, either end, as a state machine from bytes to bytes around nghttp2. No descriptors, no waiting.
// Flow control is manual. A stream's window opens again when its reader took the bytes, so a slow reader delays only
// its own stream. The connection's window opens at once, so a slow stream delays no other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "link/link.h"
#include "link/stream_state.h"

struct nghttp2_session;

namespace banger::link {

enum class Role { client, server };
enum class Body { none, follows };

class Session {
 public:
  /// `wake` is called when the session may have bytes to send, also from within nghttp2. So `wake` must not call the
  /// session.
  Session(host::Runtime& runtime, Role role, std::function<void()> wake);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Any bytes from the peer. After a violation the session is over as soon as produce() has given the final GOAWAY.
  void receive(std::string_view bytes);
  /// Server: requests whose head has arrived since the last call.
  std::vector<std::shared_ptr<StreamState>> take_requests();
  /// Appends whole frames to `out` until it holds about limits::kLinkReadBytes.
  void produce(std::string& out);
  /// Nothing will be sent or received any more.
  bool over() const;
  /// Breaks all streams with `unavailable: why`. May be called at any time, more than once.
  void end(const std::string& why);

  /// Client: `unavailable` when over, `exhausted` at limits::kLinkStreams, `invalid` for a head that is not HTTP.
  Result<std::shared_ptr<StreamState>> request(const Request& request, Body body);
  /// Client: breaks the streams that do not wait for a silent peer, with `timeout`.
  void end_impatient();
  /// Server: sends the head; the body follows.
  Result<> respond(StreamState& state, int status, const std::vector<Header>& headers);
  /// Call after state.out has more bytes or has ended.
  void resume(StreamState& state);
  /// The reader took `bytes`.
  void consumed(const StreamState& state, std::size_t bytes);
  /// Client: asks the peer for a sign of life, unless the last question has no answer yet. Returns the question's
  /// number.
  Result<std::uint64_t> ping();
  /// The number of the last question that the peer has answered.
  std::uint64_t answered() const { return answered_; }
  /// Notified after an answer to ping(), and when the session ends.
  host::Event& pong() { return pong_; }
  /// Call when the handle is gone. A finished body is still sent; any other stream is reset.
  void abandon(StreamState& state);
  /// Refuses a request; the peer may repeat it.
  void refuse(StreamState& state);

 private:
  friend struct SessionCallbacks;
  void start(Role role);
  std::string goaway() const;
  std::shared_ptr<StreamState> find(std::int32_t id) const;
  void reset(StreamState& state, std::uint32_t code);
  void stream_closed(std::int32_t id, std::uint32_t code);

  host::Runtime& runtime_;
  Role role_;
  std::function<void()> wake_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::shared_ptr<StreamState>> streams_;
  std::vector<std::shared_ptr<StreamState>> requests_;
  std::string* out_ = nullptr;              ///< set during produce()
  std::uint64_t asked_ = 0, answered_ = 0;  ///< numbers of the last ping() and of the last answer
  host::Event pong_;
  std::size_t continuations_ = 0;
  std::uint32_t violation_ = 0;  ///< the GOAWAY code of the violation that ended the session, or 0
  bool goaway_sent_ = false;
  bool peer_left_ = false;
  bool ended_ = false;
};

}  // namespace banger::link
