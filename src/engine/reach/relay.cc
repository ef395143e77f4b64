#include "engine/reach/relay.h"

#include "engine/bounds.h"

namespace banger::engine {

namespace {

struct Shared {
  Shared(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> c, std::shared_ptr<link::ClientStream> g,
         OnCallerEnd on)
      : caller(std::move(c)), guest(std::move(g)), on_end(on), done(runtime) {}
  bool is_tunnel() const { return on_end == OnCallerEnd::pass_on; }
  std::shared_ptr<rpc::RawStream> caller;
  std::shared_ptr<link::ClientStream> guest;
  const OnCallerEnd on_end;
  host::Event done;
  bool guest_ended = false, caller_ended = false;
  // The guest accepts no more bytes: its stream has ended. Its last bytes may still be on their way.
  bool guest_deaf = false;
  bool broken = false;  ///< either side broke
  bool over = false;    ///< the streams are freed
};
using SharedPtr = std::shared_ptr<Shared>;

// False when nothing more is passed on.
Task<bool> pass_to_guest(SharedPtr shared) {
  auto bytes = co_await shared->caller->read();
  if (shared->over) co_return false;
  bool ended = bytes && bytes->empty();
  shared->caller_ended = !bytes || ended;
  if (!bytes)
    shared->broken = true;
  else if (ended && shared->is_tunnel())
    shared->guest_deaf = !co_await shared->guest->finish();
  if (shared->caller_ended) co_return false;
  shared->guest_deaf = !co_await shared->guest->write(std::move(*bytes));
  co_return !shared->guest_deaf && !shared->over;
}

Task<> caller_to_guest(SharedPtr shared) {
  while (co_await pass_to_guest(shared)) {
  }
  shared->done.notify_all();
  if (shared->over || !shared->is_tunnel() || !shared->caller_ended) co_return;
  // Nobody reads from the caller any more, so only this shows that the caller is gone.
  co_await shared->caller->gone();
  auto until = host::after(limits::kForwardFinish);
  while (!shared->over && !shared->guest_ended && co_await shared->done.wait(until)) {
  }
  shared->broken = true;
  shared->done.notify_all();
}

// False when nothing more is passed on.
Task<bool> pass_to_caller(SharedPtr shared) {
  auto bytes = co_await shared->guest->read();
  if (shared->over) co_return false;
  if (!bytes) shared->broken = true;
  if (!bytes || bytes->empty()) co_return false;
  bool taken = (co_await shared->caller->write(std::move(*bytes))).has_value();
  if (!taken) shared->broken = true;
  co_return taken && !shared->over;
}

Task<> guest_to_caller(SharedPtr shared) {
  while (co_await pass_to_caller(shared)) {
  }
  if (shared->is_tunnel() && !shared->broken && !shared->over) (void)co_await shared->caller->write({});
  if (!shared->over && !(shared->is_tunnel() && shared->broken)) shared->caller->shutdown_write();
  shared->guest_ended = true;
  shared->done.notify_all();
}

bool is_over(const Shared& shared) {
  switch (shared.on_end) {
    case OnCallerEnd::reset:
      return shared.guest_ended || shared.caller_ended;
    case OnCallerEnd::ignore:
      return shared.guest_ended;
    case OnCallerEnd::pass_on:
      break;
  }
  return shared.broken || (shared.guest_ended && (shared.caller_ended || shared.guest_deaf));
}

}  // namespace

Task<> relay(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> caller, std::shared_ptr<link::ClientStream> guest,
             OnCallerEnd on_end) {
  auto shared = std::make_shared<Shared>(runtime, std::move(caller), std::move(guest), on_end);
  runtime.spawn(guest_to_caller(shared));
  runtime.spawn(caller_to_guest(shared));
  while (!is_over(*shared)) co_await shared->done.wait();
  if (!shared->is_tunnel()) shared->caller->shutdown_write();
  // Closing both streams wakes the coroutine that still waits.
  shared->over = true;
  shared->caller.reset();
  shared->guest.reset();
  shared->done.notify_all();
}

}  // namespace banger::engine
