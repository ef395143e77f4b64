// The guest end: watches one channel for hosts and serves the host that is connected.
#include "link/bounds.h"
#include "link/link.h"
#include "link/server_stream.h"
#include "link/sync.h"
#include "link/wire.h"

namespace banger::link {

namespace {

class ServerWire final : public Wire {
 public:
  ServerWire(host::Runtime& runtime, std::unique_ptr<Channel> channel, std::string token, Handler handler, AtEnd at_end)
      : Wire(runtime, std::move(channel)), scanner_(std::move(token)), handler_(std::move(handler)), at_end_(at_end) {}

  static Task<Result<>> serve(std::shared_ptr<ServerWire> self);
  void set_token(std::string token) { scanner_.set_token(std::move(token)); }
  void stop();

 private:
  void received(std::string_view bytes) override;
  void produce(std::string& out) override;
  Gone gone() override;
  void to_session(std::string_view bytes);
  void drop_session(const std::string& why);
  static Task<> handle(std::shared_ptr<ServerWire> self, std::shared_ptr<ServerStreamImpl> stream);

  HelloScanner scanner_;
  Handler handler_;
  AtEnd at_end_;
  std::shared_ptr<Session> session_;
  bool synced_ = false;  ///< a hello was answered and its session has not ended
  std::size_t handlers_ = 0;
};

Task<Result<>> ServerWire::serve(std::shared_ptr<ServerWire> self) {
  if (self->at_end_ == AtEnd::wait) self->put(arrival(self->scanner_.token()));
  self->runtime_.spawn(Wire::send(self));
  auto result = co_await Wire::receive(self);
  self->stop();
  if (!result) co_return result;
  co_return fail(ErrorCode::cancelled, "the link's server was stopped");
}

void ServerWire::stop() {
  drop_session("the link's server was stopped");
  close_wire();
}

void ServerWire::received(std::string_view bytes) {
  scanner_.feed(bytes);
  while (auto event = scanner_.next()) {
    if (event->kind == SyncEvent::Kind::data) {
      if (synced_) to_session(event->data);
      continue;
    }
    if (event->kind == SyncEvent::Kind::hello) {
      drop_session("another host connected");
      discard_output();
      synced_ = true;
    }
    // Send no HTTP/2 before the host's first byte of HTTP/2. Then all answers to hellos are adjacent, and the host can
    // drop them.
    put(event->answer);
  }
}

void ServerWire::to_session(std::string_view bytes) {
  if (!session_) {
    session_ = std::make_shared<Session>(runtime_, Role::server, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->wake_sender();
    });
  }
  auto session = session_;  // a handler may drop it
  session->receive(bytes);
  for (auto& state : session->take_requests()) {
    if (handlers_ >= limits::kLinkStreams) {
      // The host opens and resets requests faster than their handlers end.
      session->refuse(*state);
      continue;
    }
    auto self = std::static_pointer_cast<ServerWire>(shared_from_this());
    runtime_.spawn(handle(self, std::make_shared<ServerStreamImpl>(session, std::move(state))));
  }
}

Task<> ServerWire::handle(std::shared_ptr<ServerWire> self, std::shared_ptr<ServerStreamImpl> stream) {
  struct Count {
    explicit Count(std::size_t& n) : count(n) { ++count; }
    ~Count() { --count; }
    std::size_t& count;
  } count(self->handlers_);
  if (!stream->understood())
    (void)co_await stream->reply_error(stream->understood().error());
  else
    co_await self->handler_(std::move(stream));
}

void ServerWire::produce(std::string& out) {
  if (!session_) return;
  session_->produce(out);
  if (!session_->over()) return;
  drop_session("the host broke the link's protocol");
  synced_ = false;
}

Wire::Gone ServerWire::gone() {
  drop_session("the host went away");
  discard_output();
  scanner_.reset();
  synced_ = false;
  return at_end_ == AtEnd::stop ? Gone::stop : Gone::back_off;
}

void ServerWire::drop_session(const std::string& why) {
  if (auto session = std::exchange(session_, nullptr)) session->end(why);
}

Task<Result<>> refuse_to_serve(Error error) { co_return std::unexpected(std::move(error)); }

class ServerImpl final : public Server {
 public:
  explicit ServerImpl(Result<std::shared_ptr<ServerWire>> wire) : wire_(std::move(wire)) {}
  ~ServerImpl() override {
    if (wire_) (*wire_)->stop();
  }
  Task<Result<>> serve() override { return wire_ ? ServerWire::serve(*wire_) : refuse_to_serve(wire_.error()); }
  void set_token(std::string token) override {
    if (wire_ && check_token(token)) (*wire_)->set_token(std::move(token));
  }

 private:
  Result<std::shared_ptr<ServerWire>> wire_;  ///< serve() returns the error
};

Result<std::shared_ptr<ServerWire>> make_wire(host::Runtime& runtime, UniqueFd channel, std::string token,
                                              Handler handler, AtEnd at_end) {
  TRY(check_token(token));
  auto taken = TRY(Channel::take(runtime, std::move(channel)));
  return std::make_shared<ServerWire>(runtime, std::move(taken), std::move(token), std::move(handler), at_end);
}

}  // namespace

std::unique_ptr<Server> make_server(host::Runtime& runtime, UniqueFd channel, std::string token, Handler handler,
                                    AtEnd at_end) {
  return std::make_unique<ServerImpl>(
      make_wire(runtime, std::move(channel), std::move(token), std::move(handler), at_end));
}

}  // namespace banger::link
