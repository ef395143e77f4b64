#include "engine/reach/host_port.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "engine/bounds.h"
#include "engine/reach/relay.h"
#include "engine/vm/wake.h"
#include "net/bounds.h"

namespace banger::engine {

namespace {

/// A TCP connection as a caller for relay().
class TcpCaller : public rpc::RawStream {
 public:
  explicit TcpCaller(std::unique_ptr<net::TcpStream> stream) : stream_(std::move(stream)) {}
  ~TcpCaller() override {
    if (!ended_) stream_->reset_at_end();
  }
  Task<Result<std::string>> read() override { return stream_->read(); }
  Task<Result<>> write(std::string bytes) override { return stream_->write(std::move(bytes)); }
  void shutdown_write() override {
    ended_ = true;
    stream_->shutdown_write();
  }
  Task<> gone() override { return stream_->gone(); }

 private:
  std::unique_ptr<net::TcpStream> stream_;
  bool ended_ = false;  // the guest has sent all it had to send
};

/// Increments the count while the object exists.
class Counted {
 public:
  Counted(std::size_t& count, host::Event& changed) : count_(count), changed_(changed) { ++count_; }
  Counted(const Counted&) = delete;
  ~Counted() {
    --count_;
    changed_.notify_all();
  }

 private:
  std::size_t& count_;
  host::Event& changed_;
};

Task<> pass_on(std::shared_ptr<HostPortVm> of, std::string target, std::unique_ptr<net::TcpStream> stream) {
  auto& totals = *of->totals;
  Counted one(of->connections, totals.changed), in_all(totals.connections, totals.changed);
  auto caller = std::make_shared<TcpCaller>(std::move(stream));
  const auto& parts = of->vm->parts();
  auto use = parts.use->begin();
  auto client = co_await reach_guest(of->vm, limits::kForwardAgentDeadline);
  if (!client) co_return;
  auto opened = co_await (*client)->open({.method = "CONNECT", .path = std::move(target)});
  if (!opened) co_return;
  std::shared_ptr<link::ClientStream> guest = std::move(*opened);
  auto status = co_await guest->status(host::after(limits::kForwardAgentDeadline));
  if (!status || *status >= 400) co_return;
  co_await relay(parts.services.runtime, std::move(caller), guest, OnCallerEnd::pass_on);
}

/// The limit that the open connections have reached; 0: none.
std::size_t reached_limit(const HostPortVm& of) {
  if (of.connections >= limits::kForwardConnections) return limits::kForwardConnections;
  return of.totals->connections >= limits::kForwardConnectionsInAll ? limits::kForwardConnectionsInAll : 0;
}

}  // namespace

HostPort::HostPort(std::shared_ptr<HostPortVm> of, std::unique_ptr<net::TcpListener> listener, std::string target,
                   std::optional<uid_t> only)
    : of_(std::move(of)),
      listener_(std::move(listener)),
      at_(listener_->endpoint()),
      target_(std::move(target)),
      only_(only) {
  ++of_->totals->ports;
}

void HostPort::serve() { of_->vm->parts().services.runtime.spawn(accept(shared_from_this())); }

void HostPort::close() {
  if (!listener_) return;
  listener_.reset();
  --of_->totals->ports;
  of_->totals->changed.notify_all();
}

Task<> HostPort::accept(std::shared_ptr<HostPort> self) {
  auto& runtime = self->of_->vm->parts().services.runtime;
  while (self->listener_) {
    auto stream = co_await self->listener_->accept();
    if (!stream && stream.error().code == ErrorCode::cancelled) co_return;
    if (!stream) {
      co_await runtime.sleep_for(limits::kAcceptPause);
      continue;
    }
    if (!self->admit(**stream)) continue;
    // Meanwhile later connections wait in the kernel's queue.
    co_await wait_for_room(self);
    if (self->listener_)
      runtime.spawn(pass_on(self->of_, self->target_, std::move(*stream)));
    else
      (*stream)->reset_at_end();
  }
}

bool HostPort::admit(net::TcpStream& stream) {
  if (!only_ || stream.is_from(*only_)) return true;
  stream.reset_at_end();
  if (!std::exchange(refused_, true))
    of_->vm->parts().services.log.warn("forward.refused", {{"vm", of_->vm->record().name()},
                                                           {"port", std::to_string(at_.port)},
                                                           {"reason", "the client is not a process of this user"}});
  return false;
}

Task<> HostPort::wait_for_room(std::shared_ptr<HostPort> self) {
  auto limit = reached_limit(*self->of_);
  if (!limit) co_return;
  if (!std::exchange(self->was_full_, true))
    self->of_->vm->parts().services.log.warn(
        "forward.full", {{"vm", self->of_->vm->record().name()}, {"port", std::to_string(self->at_.port)}});
  self->problem_ = {ErrorCode::exhausted, fmt::format("{} connections are open, and later ones wait", limit), 0,
                    "end some connections"};
  while (self->listener_ && reached_limit(*self->of_)) co_await self->of_->totals->changed.wait();
  self->problem_ = {};
}

}  // namespace banger::engine
