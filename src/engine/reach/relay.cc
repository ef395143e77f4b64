#include "engine/reach/relay.h"

#include "engine/bounds.h"

namespace banger::engine {

namespace {

struct Shared {
  Shared(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> c, std::shared_ptr<link::ClientStream> g,
         OnCallerEnd on)
      : caller(std::move(c)), guest(std::move(g)), on_end(on), done(runtime) {}
  std::shared_ptr<rpc::RawStream> caller;
  std::shared_ptr<link::ClientStream> guest;
  const OnCallerEnd on_end;
  host::Event done;
  bool guest_ended = false, caller_ended = false;
  // The guest accepts no more bytes: its stream has ended. Its last bytes may still be on their way.
  bool guest_deaf = false;
  bool broken = false;  ///< either side broke
  bool over = false;    ///< the streams are freed
  host::Clock::time_point last_byte = host::Clock::now();
};

Task<> caller_to_guest(std::shared_ptr<Shared> shared) {
  for (;;) {
    auto bytes = co_await shared->caller->read();
    if (shared->over) break;
    bool ended = bytes && bytes->empty();
    shared->caller_ended = !bytes || ended;
    if (!bytes)
      shared->broken = true;
    else if (ended && shared->on_end == OnCallerEnd::pass_on)
      shared->guest_deaf = !co_await shared->guest->finish();
    if (shared->caller_ended) break;
    shared->last_byte = host::Clock::now();
    shared->guest_deaf = !co_await shared->guest->write(std::move(*bytes));
    if (shared->guest_deaf || shared->over) break;
  }
  shared->done.notify_all();
}

Task<> guest_to_caller(std::shared_ptr<Shared> shared) {
  for (;;) {
    auto bytes = co_await shared->guest->read();
    if (shared->over) break;
    if (!bytes) shared->broken = true;
    if (!bytes || bytes->empty()) break;
    shared->last_byte = host::Clock::now();
    bool taken = (co_await shared->caller->write(std::move(*bytes))).has_value();
    if (!taken) shared->broken = true;
    if (!taken || shared->over) break;
  }
  if (!shared->over) shared->caller->shutdown_write();
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
  if (shared.broken || (shared.guest_ended && (shared.caller_ended || shared.guest_deaf))) return true;
  bool half = shared.guest_ended || shared.caller_ended;
  return half && host::Clock::now() - shared.last_byte >= limits::kForwardHalfOpen;
}

}  // namespace

Task<> relay(host::Runtime& runtime, std::shared_ptr<rpc::RawStream> caller, std::shared_ptr<link::ClientStream> guest,
             OnCallerEnd on_end) {
  auto shared = std::make_shared<Shared>(runtime, std::move(caller), std::move(guest), on_end);
  runtime.spawn(guest_to_caller(shared));
  runtime.spawn(caller_to_guest(shared));
  while (!is_over(*shared)) {
    bool half = on_end == OnCallerEnd::pass_on && (shared->guest_ended || shared->caller_ended);
    co_await shared->done.wait(half ? shared->last_byte + limits::kForwardHalfOpen : host::Deadline::max());
  }
  shared->caller->shutdown_write();
  // Closing both streams wakes the coroutine that still waits.
  shared->over = true;
  shared->caller.reset();
  shared->guest.reset();
}

}  // namespace banger::engine
