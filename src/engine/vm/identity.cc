#include "engine/vm/identity.h"

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"
#include "engine/bounds.h"
#include "engine/vm/guest_command.h"
#include "link/bounds.h"

namespace banger::engine {

namespace {

constexpr std::int64_t kClockErrorNs = 40'000'000;  // of a clock that counts as right

// Indexes into MachineConfig::drives, in the order of the capabilities that add drives. A VM with a plain root has no
// image drive in front of the system drive.
std::size_t system_drive(const vm::Spec& spec) { return vm::has_plain_root(spec) ? 0 : 1; }
std::size_t work_drive(const vm::Spec& spec) { return system_drive(spec) + 1; }

std::int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Task<Result<Disks>> grow_drives(machine::Machine& machine, const vm::Spec& wanted, const vm::Spec& saved) {
  auto disks = Disks::unchanged;
  if (wanted.system_bytes > saved.system_bytes) {
    CO_TRY(co_await machine.resize_drive(system_drive(wanted), wanted.system_bytes));
    disks = Disks::grown;
  }
  if (wanted.disk_bytes > saved.disk_bytes) {
    CO_TRY(co_await machine.resize_drive(work_drive(wanted), wanted.disk_bytes));
    disks = Disks::grown;
  }
  co_return disks;
}

Task<Result<Clock>> configure(link::Client& client, guestcfg::GuestConfig guest, Disks disks) {
  if (disks == Disks::unchanged) guest.disks.clear();
  // Units are links in /run, and the guest has them since it booted.
  guest.units.clear();
  auto body = dump_json(guestcfg::to_json(guest, guestcfg::Contents::inline_data));
  auto asked_ns = unix_ns();
  auto answer =
      CO_TRY(co_await client.call("POST", "/configure", std::move(body), host::after(limits::kConfigureDeadline)));
  co_return co_await set_clock(client, std::move(answer), asked_ns);
}

// The config contains the time of its sending, and on a busy host the config arrives late. Each reply contains the
// guest's time at some moment between the request and the reply.
Task<Result<Clock>> set_clock(link::Client& client, std::string answer, std::int64_t asked_ns) {
  for (int attempt = 0; attempt < limits::kClockRequests; ++attempt) {
    auto now_ns = unix_ns();
    auto guest_ns = CO_TRY(get_int(CO_TRY(parse_json(answer, limits::kLinkJsonBytes)), "clock_unix_ns"));
    // The first reply comes from a clock that was set to the time of the request. So the clock can only be late, and
    // by this difference at most.
    if (attempt == 0 && now_ns >= guest_ns && now_ns - guest_ns <= kClockErrorNs) co_return Clock::sure;
    auto unsure = (now_ns - asked_ns) / 2;
    auto ahead = guest_ns - asked_ns - unsure;
    if (std::abs(ahead) + unsure <= kClockErrorNs) co_return Clock::sure;
    Json question = {{"adjust_ns", std::abs(ahead) > unsure ? -ahead : 0}};
    asked_ns = unix_ns();
    answer =
        CO_TRY(co_await client.call("POST", "/clock", dump_json(question), host::after(limits::kLinkRequestDeadline)));
  }
  co_return Clock::unsure;
}

Task<Result<Clock>> correct_clock(link::Client& client) {
  auto asked_ns = unix_ns();
  auto answer =
      CO_TRY(co_await client.call("POST", "/clock", R"({"adjust_ns": 0})", host::after(limits::kLinkRequestDeadline)));
  co_return co_await set_clock(client, std::move(answer), asked_ns);
}

Task<> warm_up(host::Runtime& runtime, link::Client& client) {
  for (const auto& argv :
       {std::vector<std::string>{"/bin/true"}, {"/bin/sh", "-c", "echo ready"}, {"/bin/sh", "-c", "echo ready"}})
    (void)co_await run_in_guest(runtime, client, argv, host::after(limits::kLinkRequestDeadline));
}

}  // namespace banger::engine
