#include <fmt/format.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "host/files.h"
#include "machine/cpu_model.h"
#include "machine/firecracker/firecracker.h"
#include "machine/vmm_binary.h"

namespace banger::machine::firecracker {

namespace {

constexpr std::string_view kDefaultBinary = "firecracker";
constexpr std::string_view kInstallHint =
    "install Firecracker and set firecracker_bin to it, or use machine = \"qemu\"";

Result<std::string> find_binary(const FirecrackerOptions& options) {
  return find_vmm_binary({.configured = options.binary,
                          .path_variable = options.path_variable,
                          .name = kDefaultBinary,
                          .config_key = "firecracker_bin",
                          .install_hint = kInstallHint});
}

Result<Version> version_in(const std::string& binary, std::string_view text) {
  auto version = text.find("Firecracker") == text.npos ? std::nullopt : find_version(text);
  if (!version)
    return fail(ErrorCode::unsupported, fmt::format("{} does not print a Firecracker version", binary),
                "check firecracker_bin in the config");
  if (*version < kOldest || version->major != kNewestKnown.major)
    return fail(ErrorCode::unsupported, fmt::format("{} is Firecracker {}", binary, to_string(*version)),
                fmt::format("install Firecracker {}.{} to {}.{}", kOldest.major, kOldest.minor, kNewestKnown.major,
                            kNewestKnown.minor));
  return *version;
}

}  // namespace

Task<Result<FirecrackerFacts>> probe_firecracker(host::Runtime& runtime, const FirecrackerOptions& options) {
  FirecrackerFacts facts{.binary = CO_TRY(find_binary(options))};
  auto text = CO_TRY(co_await ask_binary(runtime, {facts.binary, "--version"}));
  facts.version = CO_TRY(version_in(facts.binary, text.value_or("")));
  auto states = CO_TRY(co_await ask_binary(runtime, {facts.binary, "--snapshot-version"}));
  if (auto version = find_version(states.value_or(""))) facts.snapshot_version = to_string(*version);
  facts.sha256 = CO_TRY(co_await runtime.blocking([&] { return host::sha256_file(facts.binary); }));
  co_return facts;
}

std::string key_of_build(const FirecrackerFacts& facts) {
  utsname host{};
  ::uname(&host);
  return fmt::format("firecracker\n{}\n{}\n{}\n{}\n{}\n", facts.sha256, to_string(facts.version),
                     facts.snapshot_version, host.release, cpu_model());
}

}  // namespace banger::machine::firecracker
