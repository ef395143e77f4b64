// The host end: the handshake, then requests.
#include <fmt/format.h>

#include <algorithm>

#include "host/files.h"
#include "link/bounds.h"
#include "link/link.h"
#include "link/stream_io.h"
#include "link/sync.h"
#include "link/wire.h"

namespace banger::link {

namespace {

class ClientWire final : public Wire {
 public:
  ClientWire(host::Runtime& runtime, std::unique_ptr<Channel> channel, const std::string& token,
             std::chrono::milliseconds silence)
      : Wire(runtime, std::move(channel)),
        hello_(token + host::random_bytes(kNonceBytes)),
        echo_(hello_),
        arrivals_(token),
        ended_(runtime),
        silence_(silence) {}

  static Task<Result<>> shake_hands(std::shared_ptr<ClientWire> self, host::Deadline deadline);
  static Task<> wait_ended(std::shared_ptr<ClientWire> self) {
    while (!self->closed()) co_await self->ended_.wait();
  }
  void start();
  void shut(const std::string& why);
  void expect(std::string_view token) { arrivals_.expect(token); }
  const std::shared_ptr<Session>& session() const { return session_; }
  host::Clock::time_point last_heard() const { return last_heard_; }
  host::Deadline silent_at() const { return host::after(silence_); }
  bool is_silent() const { return host::Clock::now() - last_heard_ >= silence_; }

 private:
  void received(std::string_view bytes) override;
  void produce(std::string& out) override { session_->produce(out); }
  Gone gone() override;
  void flushed() override;
  Result<> send_hello(host::Deadline& next);
  void to_session(std::string_view bytes);

  const std::string hello_;
  EchoScanner echo_;
  ArrivalScanner arrivals_;
  std::string unsent_, early_;
  std::shared_ptr<Session> session_;
  host::Event ended_;
  host::Clock::time_point last_heard_;
  const std::chrono::milliseconds silence_;
};

std::unexpected<Error> closed_by_guest() { return fail(ErrorCode::unavailable, "the guest closed the link"); }

Result<> ClientWire::send_hello(host::Deadline& next) {
  if (auto now = host::Clock::now(); now >= next) {
    // Unsent bytes of the last hello serve as the next try. A hello that is cut in half would not.
    if (unsent_.empty()) unsent_ = hello_;
    next = now + limits::kLinkSyncRetry;
  }
  if (unsent_.empty()) return {};
  auto step = channel_->write(unsent_);
  if (step.kind == IoStep::Kind::gone) return closed_by_guest();
  if (step.kind == IoStep::Kind::failed) return fail_errno("write to the guest's link", step.error_number);
  unsent_.erase(0, step.bytes);
  return {};
}

Task<Result<>> ClientWire::shake_hands(std::shared_ptr<ClientWire> self, host::Deadline deadline) {
  std::string buffer(limits::kLinkReadBytes, '\0');
  auto next = host::Clock::now();
  while (host::Clock::now() < deadline) {
    CO_TRY(self->send_hello(next));
    auto step = self->channel_->read(buffer);
    if (step.kind == IoStep::Kind::gone) co_return closed_by_guest();
    if (step.kind == IoStep::Kind::failed) co_return fail_errno("read from the guest's link", step.error_number);
    if (step.kind == IoStep::Kind::again) {
      co_await self->channel_->readable(std::min(next, deadline));
      continue;
    }
    self->early_ = self->echo_.feed(std::string_view(buffer).substr(0, step.bytes));
    if (self->echo_.synced()) co_return Result<>();
    co_await yield_once(self->runtime_);
  }
  co_return fail(ErrorCode::timeout, "the guest's agent did not answer in time", "look at the guest's console");
}

void ClientWire::start() {
  session_ = std::make_shared<Session>(runtime_, Role::client, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->wake_sender();
  });
  to_session(std::exchange(early_, {}));
}

void ClientWire::shut(const std::string& why) {
  if (session_) session_->end(why);
  close_wire();
  ended_.notify_all();
}

void ClientWire::received(std::string_view bytes) {
  if (echo_.settled())
    to_session(bytes);
  else
    to_session(echo_.feed(bytes));
}

void ClientWire::to_session(std::string_view bytes) {
  last_heard_ = host::Clock::now();
  session_->receive(arrivals_.feed(bytes));
  if (arrivals_.arrived()) shut("the agent in the guest ended, and another agent has taken its place");
}

Wire::Gone ClientWire::gone() {
  shut("the link to the guest broke");
  return Gone::stop;
}

void ClientWire::flushed() {
  if (session_->over()) shut("the guest ended the link");
}

Task<> run_wire(std::shared_ptr<ClientWire> wire) {
  auto result = co_await Wire::receive(wire);
  wire->shut(result ? "the link to the guest was closed" : result.error().message);
}

class ClientStreamImpl final : public ClientStream {
 public:
  ClientStreamImpl(std::shared_ptr<Session> session, std::shared_ptr<StreamState> state)
      : end_(std::move(session), std::move(state)) {}

  Task<Result<std::string>> read() override { return read_some(end_.session, end_.state); }
  Task<Result<>> write(std::string bytes) override { return write_all(end_.session, end_.state, std::move(bytes)); }
  Task<Result<>> finish() override { return end_body(end_.session, end_.state); }
  Task<Result<int>> status(host::Deadline deadline) override { return wait_status(end_.state, deadline); }

  static Task<Result<int>> wait_status(std::shared_ptr<StreamState> state, host::Deadline deadline) {
    for (;;) {
      if (state->head_done && !state->abandoned) co_return state->status;
      if (state->broken) co_return std::unexpected(*state->broken);
      if (!co_await state->readable.wait(deadline))
        co_return fail(ErrorCode::timeout, "the guest did not answer in time");
    }
  }

 private:
  StreamEnd end_;
};

Task<Result<std::unique_ptr<ClientStream>>> open_stream(std::shared_ptr<ClientWire> wire, Request request) {
  auto state = CO_TRY(wire->session()->request(request, Body::follows));
  co_return std::make_unique<ClientStreamImpl>(wire->session(), std::move(state));
}

Task<Result<>> ping_guest(std::shared_ptr<ClientWire> wire, host::Deadline deadline) {
  auto session = wire->session();
  auto number = CO_TRY(session->ping());
  while (session->answered() < number) {
    if (wire->closed() || session->over()) co_return fail(ErrorCode::unavailable, "the link to the guest has ended");
    if (!co_await session->pong().wait(deadline))
      co_return fail(ErrorCode::timeout, "the guest did not answer in time");
  }
  co_return Result<>();
}

// Some requests rightly take minutes. A guest that is silent meanwhile, and does not answer a PING either, has died or
// hangs.
Task<Result<int>> wait_head(std::shared_ptr<ClientWire> wire, std::shared_ptr<StreamState> state,
                            host::Deadline deadline) {
  for (;;) {
    auto status = co_await ClientStreamImpl::wait_status(state, std::min(deadline, wire->silent_at()));
    if (status || status.error().code != ErrorCode::timeout || host::Clock::now() >= deadline) co_return status;
    if (wire->is_silent() && !co_await ping_guest(wire, std::min(deadline, wire->silent_at()))) co_return status;
  }
}

Task<Result<std::string>> exchange_bodies(std::shared_ptr<ClientWire> wire, Request request, std::string body,
                                          host::Deadline deadline) {
  auto session = wire->session();
  auto state = CO_TRY(session->request(request, body.empty() ? Body::none : Body::follows));
  StreamEnd end(session, state);
  if (!body.empty()) {
    // A guest may answer before it has read the whole request. Then the answer counts.
    auto written = co_await write_all(session, state, std::move(body), deadline);
    if (written) written = co_await end_body(session, state);
    if (!written && !state->head_done) co_return std::unexpected(std::move(written.error()));
  }
  int status = CO_TRY(co_await wait_head(wire, state, deadline));
  TooLarge too_large{.code = ErrorCode::corrupt, .what = "the answer"};
  auto answer = CO_TRY(co_await read_body(session, state, limits::kLinkJsonBytes, too_large, deadline));
  if (status >= 400) co_return std::unexpected(guest_error(status, answer));
  co_return answer;
}

class ClientImpl final : public Client {
 public:
  explicit ClientImpl(std::shared_ptr<ClientWire> wire) : wire_(std::move(wire)) {}
  ~ClientImpl() override { close(); }

  Task<Result<std::unique_ptr<ClientStream>>> open(Request request) override {
    return open_stream(wire_, std::move(request));
  }
  Task<Result<std::string>> call(std::string method, std::string path, std::string body,
                                 host::Deadline deadline) override {
    Request request{.method = std::move(method), .path = std::move(path)};
    return exchange_bodies(wire_, std::move(request), std::move(body), deadline);
  }
  void expect(std::string token) override { wire_->expect(token); }
  void fell_silent() override { wire_->session()->end_impatient(); }
  bool alive() const override { return !wire_->closed() && !wire_->session()->over(); }
  Task<Result<>> ping(host::Deadline deadline) override { return ping_guest(wire_, deadline); }
  host::Clock::time_point last_heard() const override { return wire_->last_heard(); }
  Task<> closed() override { return ClientWire::wait_ended(wire_); }
  void close() override { wire_->shut("the link to the guest was closed"); }

 private:
  std::shared_ptr<ClientWire> wire_;
};

}  // namespace

Task<Result<std::shared_ptr<Client>>> connect(host::Runtime& runtime, UniqueFd channel, std::string token,
                                              host::Deadline deadline, std::chrono::milliseconds silence) {
  CO_TRY(check_token(token));
  auto taken = CO_TRY(Channel::take(runtime, std::move(channel)));
  auto wire = std::make_shared<ClientWire>(runtime, std::move(taken), token, silence);
  CO_TRY(co_await ClientWire::shake_hands(wire, deadline));
  wire->start();
  runtime.spawn(run_wire(wire));
  runtime.spawn(Wire::send(wire));
  co_return std::make_shared<ClientImpl>(std::move(wire));
}

}  // namespace banger::link
