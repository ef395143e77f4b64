#include "engine/vm/attention.h"

#include <fmt/format.h>

#include "engine/bounds.h"
#include "host/files.h"
#include "machine/console.h"

namespace banger::engine {

Task<Result<>> go_on(VmParts& vm) {
  auto machine = vm.machine->get();
  if (!machine || machine->paused_because().empty()) co_return Result<>{};
  CO_TRY(co_await machine->resume());
  // A guest that is paused again answers nothing. A guest without a link is not asked.
  auto client = vm.link->client();
  bool answers = client && (co_await client->ping(host::after(limits::kGoOnDeadline))).has_value();
  if (auto why = machine->paused_because(); !why.empty())
    co_return fail(ErrorCode::exhausted, fmt::format("vm '{}' is still paused: {}", vm.name(), why),
                   "free some space; the VM then goes on by itself");
  if (answers) co_await vm.link->correct_clock();
  co_return Result<>{};
}

Task<> go_on_with_room(VmParts& vm) {
  auto free = host::free_space(vm.disks.directory());
  if (free && *free >= limits::kGoOnBytes) (void)co_await go_on(vm);
}

Task<bool> is_answering(VmParts& vm) {
  auto client = vm.link->client();
  if (!client) co_return false;
  bool halted = looks_halted(vm);
  if (!halted && host::Clock::now() - client->last_heard() < limits::kPingInterval) co_return true;
  auto deadline = halted ? host::after(limits::kHaltedPingDeadline) : host::after(limits::kPingDeadline);
  co_return (co_await client->ping(deadline)).has_value();
}

bool looks_halted(const VmParts& vm) {
  auto machine = vm.machine->get();
  return machine && machine->running() && machine::has_halted(machine->record());
}

namespace {

// A guest that an operation starts or pauses is not judged. A guest that is silent and has printed that it halted has
// no use for its machine any more, unless an operation sees to that.
Task<> look_at_link(VmParts& vm, host::Mutex& turn) {
  auto machine = vm.machine->get();
  auto asked_at = host::Clock::now();
  auto unsure = [&] {
    bool settled = vm.record->state() == vm::State::running && !vm.machine->has_stood(asked_at);
    return turn.held() && vm.link->up() && !settled;
  };
  if (unsure()) co_return;
  bool answers = co_await is_answering(vm);
  if (unsure()) co_return;
  vm.link->set_silent(!answers && vm.link->up());
  if (answers || turn.held() || vm.machine->get() != machine || !looks_halted(vm)) co_return;
  vm.services.log.info("vm.halted", {{"vm", vm.name()}, {"id", vm.row().id}});
  if (auto ended = co_await machine->end_as({.guest_initiated = true, .reason = "guest-shutdown"}); !ended)
    vm.services.log.error("vm.end_failed", {{"vm", vm.name()}, {"error", ended.error().message}});
}

void note_pause(const VmParts& vm, const std::string& why) {
  if (why.empty())
    vm.services.log.info("vm.goes_on", {{"vm", vm.name()}, {"id", vm.row().id}});
  else
    vm.services.log.warn("vm.paused", {{"vm", vm.name()}, {"id", vm.row().id}, {"reason", why}});
  vm.record->report(why.empty() ? vm::Event::goes_on : vm::Event::paused, why);
}

}  // namespace

Task<> Attention::look(VmParts& vm, host::Mutex& turn) {
  if (!vm.machine->running() || std::exchange(looks_, true)) co_return;
  auto why = vm.machine->paused_because();
  if (std::exchange(noted_pause_, why) != why) note_pause(vm, why);
  if (why.empty()) {
    co_await look_at_link(vm, turn);
  } else if (vm.record->state() == vm::State::starting) {
    co_await go_on_with_room(vm);  // the start holds the turn, and only waits for the guest
  } else if (!turn.held()) {
    auto held = co_await turn.lock();
    co_await go_on_with_room(vm);
  }
  looks_ = false;
}

}  // namespace banger::engine
