#include "roles/daemon/relay.h"

namespace banger::roles::daemon {

namespace {

struct Shared {
  Shared(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> c, std::shared_ptr<link::ClientStream> g)
      : caller(std::move(c)), guest(std::move(g)), done(runtime) {}
  std::shared_ptr<rpc::RawStream> caller;
  std::shared_ptr<link::ClientStream> guest;
  host::Event done;
  bool guest_ended = false, caller_ended = false;
  bool over = false;   ///< the streams are gone
};

Task<> caller_to_guest(std::shared_ptr<Shared> shared) {
  for (;;) {
    auto bytes = co_await shared->caller->read();
    if (!bytes || bytes->empty() || shared->over) break;
    if (!co_await shared->guest->write(std::move(*bytes)) || shared->over) break;
  }
  shared->caller_ended = true;
  shared->done.notify_all();
}

Task<> guest_to_caller(std::shared_ptr<Shared> shared) {
  for (;;) {
    auto bytes = co_await shared->guest->read();
    if (!bytes || bytes->empty() || shared->over) break;
    if (!co_await shared->caller->write(std::move(*bytes)) || shared->over) break;
  }
  shared->guest_ended = true;
  shared->done.notify_all();
}

}  // namespace

Task<> relay(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> caller, std::shared_ptr<link::ClientStream> guest, OnCallerEnd on_end) {
  auto shared = std::make_shared<Shared>(runtime, std::move(caller), std::move(guest));
  runtime.spawn(guest_to_caller(shared));
  runtime.spawn(caller_to_guest(shared));
  while (!shared->guest_ended && !(shared->caller_ended && on_end == OnCallerEnd::reset)) co_await shared->done.wait();
  shared->caller->shutdown_write();
  // Closing both wakes whichever pump still waits.
  shared->over = true;
  shared->caller.reset();
  shared->guest.reset();
}

}  // namespace banger::roles::daemon
