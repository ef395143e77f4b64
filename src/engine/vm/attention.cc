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

}  // namespace banger::engine
