// Checks whether this host can run Firecracker in jails, and which limits the jails have.
#include <fmt/format.h>

#include "base/text.h"
#include "capabilities/jail/jails.h"
#include "host/cgroup.h"
#include "machine/firecracker/version.h"
#include "machine/vmm_binary.h"

namespace banger::capabilities {

namespace {

Task<Result<machine::firecracker::Version>> version_of(host::Runtime& runtime, std::string jailer) {
  auto text = CO_TRY(co_await machine::ask_binary(runtime, {jailer, "--version"})).value_or("");
  auto version = text.find("ailer") == text.npos ? std::nullopt : machine::firecracker::find_version(text);
  if (!version) co_return fail(ErrorCode::unsupported, fmt::format("{} does not print a jailer's version", jailer));
  co_return *version;
}

std::string limits_text() {
  auto cgroups = host::find_cgroups();
  if (!cgroups) return "without limits: this host has no cgroup v2";
  auto controllers = host::limiting_controllers(*cgroups);
  if (controllers.empty())
    return fmt::format("without limits: the cgroup v2 hierarchy at {} has no controllers", *cgroups);
  return fmt::format("limits by cgroup v2: {}", join(controllers, ", "));
}

}  // namespace

Task<Result<Check>> Jails::check_programs() {
  auto jailer = CO_TRY(co_await programs()).jailer;
  auto facts = CO_TRY(co_await host_.firecracker());
  CO_TRY(co_await check(facts.binary));
  auto version = co_await version_of(host_.runtime, jailer);
  if (!version)
    co_return std::unexpected(std::move(version).error().with_hint("install the jailer that came with Firecracker"));
  auto found = fmt::format("{} {}", jailer, to_string(*version));
  if (to_string(*version) != to_string(facts.version))
    co_return fail(ErrorCode::unsupported,
                   fmt::format("{} does not belong to Firecracker {}", found, to_string(facts.version)),
                   "install both from one release");
  auto limited = limits_text();
  co_return Check{"jailer", limited.starts_with("without") ? CheckStatus::warn : CheckStatus::pass,
                  fmt::format("{}; {}", found, limited), ""};
}

Task<std::vector<Check>> Jails::checks() {
  std::vector<Check> checks;
  if (!host_.config.jailer_enabled) {
    checks.push_back({"jailer", CheckStatus::pass, "not used: jailer_enabled = false", ""});
    co_return checks;
  }
  auto found = co_await check_programs();
  checks.push_back(found ? *found : Check{"jailer", CheckStatus::fail, found.error().message, found.error().hint});
  co_return checks;
}

}  // namespace banger::capabilities
