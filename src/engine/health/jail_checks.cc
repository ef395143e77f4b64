// Whether Firecracker can be run in jails on this host, and what they are held to.
#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"
#include "engine/health/doctor.h"
#include "host/cgroup.h"
#include "machine/firecracker/version.h"

namespace banger::engine {

namespace {

Task<Result<machine::firecracker::Version>> version_of(Services& services, std::string jailer) {
  host::SpawnSpec spec{.argv = {jailer, "--version"}, .env = {"LC_ALL=C"}, .cwd = "/"};
  auto output =
      CO_TRY(co_await host::run_command(services.runtime, std::move(spec), host::after(limits::kVmmProbeDeadline)));
  auto version =
      output.out.find("ailer") == output.out.npos ? std::nullopt : machine::firecracker::find_version(output.out);
  if (output.status.shell_code() != 0 || !version)
    co_return fail(ErrorCode::unsupported, fmt::format("{} does not say which jailer it is", jailer));
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

Task<> check_jail(Services& services, std::vector<Check>& checks) {
  if (!services.config.jailer_enabled) {
    checks.push_back({"jailer", CheckStatus::pass, "not used: jailer_enabled = false", ""});
    co_return;
  }
  auto fails = [&](const Error& error) { checks.push_back({"jailer", CheckStatus::fail, error.message, error.hint}); };
  auto programs = co_await services.jails.programs();
  if (!programs) co_return fails(programs.error());
  auto facts = co_await services.vmms.firecracker();
  if (!facts) co_return fails(facts.error());
  if (auto same = co_await services.jails.check(facts->binary); !same) co_return fails(same.error());
  auto version = co_await version_of(services, programs->jailer);
  if (!version) co_return fails(std::move(version).error().with_hint("install the jailer that came with Firecracker"));
  auto found = fmt::format("{} {}", programs->jailer, to_string(*version));
  if (to_string(*version) != to_string(facts->version)) {
    checks.push_back({"jailer", CheckStatus::fail,
                      fmt::format("{} is not of Firecracker {}", found, to_string(facts->version)),
                      "install both from one release"});
    co_return;
  }
  auto limited = limits_text();
  checks.push_back({"jailer", limited.starts_with("without") ? CheckStatus::warn : CheckStatus::pass,
                    fmt::format("{}; {}", found, limited), ""});
}

}  // namespace banger::engine
