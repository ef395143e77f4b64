#include "capabilities/jail/jails.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/bounds.h"
#include "host/cgroup.h"
#include "host/files.h"

namespace banger::capabilities {

namespace fs = std::filesystem;
using machine::firecracker::JailedStart;
using machine::firecracker::JailFile;

namespace {

constexpr const char* kNoVm = "jail";  // the journal's owner of jails that have no VM any more
constexpr std::string_view kInstall = "as root: banger system install --owner USER --jailer FILE --firecracker FILE";

Json list_of(const std::vector<JailFile>& files) {
  Json list = Json::array();
  for (const auto& file : files) list.push_back(fmt::format("{}:{}", file.name, file.path));
  return list;
}

// The descriptor holds the started process. Until the process has ended, no other process gets its number.
Result<machine::firecracker::JailedProcess> identified(pid_t pid, UniqueFd process) {
  auto id = TRY(host::process_id(pid));
  pollfd ended{process.get(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 0) return fail(ErrorCode::unavailable, "Firecracker ended at once");
  return machine::firecracker::JailedProcess{.pidfd = std::move(process), .id = id};
}

}  // namespace

Jails::Jails(const ResourceHost& host) : host_(host), changing_(host.runtime), pause_(limits::kJailEndFirstPause) {}

Result<> Jails::load() {
  for (const auto& entry : TRY(host_.store.journal())) {
    if (entry.kind != "jail") continue;
    auto space = entry.key.find(' ');
    if (entry.owner != kNoVm)
      held_[entry.owner] = entry.key;
    else if (space != entry.key.npos)
      to_remove_[entry.key.substr(0, space)] = entry.key.substr(space + 1);
  }
  return {};
}

Task<Result<Jails::Programs>> Jails::programs() {
  if (host_.privileged.way() == Privileged::Way::none)
    co_return fail(ErrorCode::unavailable, "a jail needs the root helper, which is not installed",
                   std::string(kInstall));
  if (host_.privileged.way() == Privileged::Way::in_process)
    co_return fail(ErrorCode::unsupported, "a jail cannot confine a daemon that runs as root",
                   std::string(kInstall) + ", and use banger as USER");
  auto reply = CO_TRY(co_await host_.privileged.call("helper.version", "{}"));
  auto json = CO_TRY(in("helper.version", parse_json(reply.result, limits::kHelperMessageBytes)));
  Programs programs{.jailer = CO_TRY(find_string(json, "jailer")).value_or(""),
                    .firecracker = CO_TRY(find_string(json, "firecracker")).value_or("")};
  if (programs.jailer.empty())
    co_return fail(ErrorCode::unavailable, "the system install names no jailer",
                   "as root: banger system install --jailer FILE --firecracker FILE");
  // The helper never runs a program that its owner names. A different expectation is an error.
  if (!host_.config.jailer_bin.empty() && !host::same_file(host_.config.jailer_bin, programs.jailer))
    co_return fail(
        ErrorCode::unsupported,
        fmt::format("the system install has the jailer {}, the config {}", programs.jailer, host_.config.jailer_bin),
        "remove jailer_bin from the config, or as root: banger system install --jailer FILE --firecracker FILE");
  co_return programs;
}

Task<Result<>> Jails::check(std::string firecracker) {
  auto found = CO_TRY(in("jailer_enabled", co_await programs()));
  if (host::same_file(found.firecracker, firecracker)) co_return Result<>{};
  co_return fail(
      ErrorCode::unsupported,
      fmt::format("the system install starts {} in jails, the config names {}", found.firecracker, firecracker),
      fmt::format("set firecracker_bin = \"{}\"", found.firecracker));
}

Task<Result<>> Jails::acquire(const VmContext&, machine::MachineConfig& config) {
  if (host_.config.jailer_enabled) config.jailer = this;
  co_return Result<>{};
}

Task<Result<machine::firecracker::JailedProcess>> Jails::start(JailedStart start) {
  // Ends the jail of an earlier start that could not be removed.
  co_await release(start.vm_id);
  CO_TRY(host_.store.add_journal({0, start.vm_id, "jail", start.token}));
  held_[start.vm_id] = start.token;
  Json arguments = {{"id", start.token},
                    {"directory", start.directory},
                    {"read", list_of(start.read)},
                    {"write", list_of(start.write)},
                    {"console", start.console},
                    {"vcpus", start.vcpus},
                    {"memory_bytes", start.memory_bytes}};
  auto turn = co_await changing_.lock();
  // A jail without a record prevents the start too.
  std::error_code error;
  if (fs::symlink_status(start.directory + "/" + std::string(machine::firecracker::kJailDirectory), error).type() !=
      fs::file_type::not_found)
    CO_TRY(co_await end(start.token, start.vm_id));
  auto reply = CO_TRY(co_await host_.privileged.call("machine.jail", dump_json(arguments)));
  auto json = CO_TRY(in("machine.jail", parse_json(reply.result, limits::kHelperMessageBytes)));
  auto pid = CO_TRY(get_int(json, "pid"));
  if (pid <= 1 || pid > INT32_MAX || reply.fds.size() != 1)
    co_return fail(ErrorCode::invalid, "the root helper sent no process, or more than one");
  host_.log.info(
      "jail.started",
      {{"vm", start.vm_id}, {"pid", std::to_string(pid)}, {"cgroup", get_string(json, "cgroup").value_or("")}});
  co_return identified(static_cast<pid_t>(pid), std::move(reply.fds[0]));
}

Task<Result<>> Jails::end(std::string token, std::string vm_id) {
  // The VM's directory may be gone already. The id then finds the rest.
  auto directory = vm_id.empty() || ::access(host_.paths.vm(vm_id).c_str(), F_OK) < 0 ? "" : host_.paths.vm(vm_id);
  CO_TRY(co_await host_.privileged.call("machine.unjail", dump_json({{"id", token}, {"directory", directory}})));
  co_return Result<>{};
}

Task<> Jails::end_leftovers_of(std::string vm_id) {
  std::vector<std::string> tokens;
  for (const auto& [token, owner] : to_remove_)
    if (vm_id.empty() || owner == vm_id) tokens.push_back(token);
  for (const auto& token : tokens)
    if (auto ended = co_await end_leftover(token); !ended)
      host_.log.debug("jail.still_there", {{"jail", token}, {"error", ended.error().message}});
}

Task<> Jails::release(std::string vm_id) {
  co_await end_leftovers_of(vm_id);
  auto held = held_.find(vm_id);
  if (held == held_.end()) co_return;
  auto token = held->second;
  held_.erase(held);
  auto turn = co_await changing_.lock();
  auto ended = co_await end(token, vm_id);
  if (!ended) {
    host_.log.warn("jail.leave_failed", {{"vm", vm_id}, {"jail", token}, {"error", ended.error().sentence()}});
    // The jail has no VM from now on, because the VM may be deleted before the removal succeeds.
    (void)host_.store.add_journal({0, kNoVm, "jail", fmt::format("{} {}", token, vm_id)});
    to_remove_[token] = vm_id;
    host_.runtime.spawn(try_again());
  }
  (void)host_.store.remove_journal(vm_id, "jail", token);
}

Task<Result<>> Jails::end_leftover(std::string token) {
  auto turn = co_await changing_.lock();
  auto found = to_remove_.find(token);
  if (found == to_remove_.end()) co_return Result<>{};
  auto vm_id = found->second;
  CO_TRY(co_await end(token, vm_id));
  to_remove_.erase(token);
  co_return host_.store.remove_journal(kNoVm, "jail", fmt::format("{} {}", token, vm_id));
}

Task<> Jails::try_again() {
  if (std::exchange(trying_, true)) co_return;
  co_await host_.runtime.sleep_for(pause_);
  trying_ = false;
  pause_ = to_remove_.empty() ? limits::kJailEndFirstPause : std::min(2 * pause_, limits::kJailEndLongestPause);
  co_await end_leftovers_of("");
  if (!to_remove_.empty()) host_.runtime.spawn(try_again());
}

Task<> Jails::run(host::Foreground&) {
  co_await end_leftovers_of("");
  if (!to_remove_.empty()) host_.runtime.spawn(try_again());
}

std::vector<std::string> Jails::holders() const {
  std::vector<std::string> ids;
  for (const auto& [vm_id, token] : held_) ids.push_back(vm_id);
  return ids;
}

std::vector<Leftover> Jails::leftovers() {
  std::vector<Leftover> found;
  auto add = [&](std::string token) { found.push_back({"jail", std::move(token), "no machine runs in it", this}); };
  for (const auto& [token, vm_id] : to_remove_) add(token);
  // Jails belong to the owner of the install. Other users never list them.
  if (host_.privileged.way() != Privileged::Way::helper) return found;
  auto cgroups = host::find_cgroups();
  std::error_code error;
  auto parent = cgroups ? fmt::format("{}/{}", *cgroups, machine::firecracker::kJailCgroups) : std::string();
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    auto name = entry.path().filename().string();
    auto known = [&](const auto& held) { return held.second == name; };
    if (entry.is_directory(error) && !to_remove_.contains(name) && std::ranges::none_of(held_, known)) add(name);
  }
  return found;
}

Task<Result<>> Jails::remove(Leftover leftover) {
  auto token = leftover.path;
  if (to_remove_.contains(token)) co_return co_await end_leftover(std::move(token));
  auto turn = co_await changing_.lock();
  co_return co_await end(std::move(token), "");
}

}  // namespace banger::capabilities
