#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "machine/cpu_model.h"
#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

namespace {

constexpr std::string_view kDefaultBinary = "firecracker";
constexpr std::string_view kInstallHint =
    "install Firecracker and set firecracker_bin to it, or use machine = \"qemu\"";

Result<std::string> find_binary(const FirecrackerOptions& options) {
  std::string wanted = options.binary.empty() ? std::string(kDefaultBinary) : options.binary;
  auto found = host::find_program(wanted, options.path_variable);
  if (!found)
    return fail(ErrorCode::not_found, fmt::format("{} is not installed: not found in PATH", wanted),
                std::string(kInstallHint));
  if (::access(found->c_str(), X_OK) < 0) {
    auto error = fail_errno(*found);
    return std::unexpected(
        std::move(error.error())
            .with_hint(options.binary.empty() ? kInstallHint : "check firecracker_bin in the config"));
  }
  return *found;
}

// The output for one option, or nullopt when the binary refuses the option.
Task<Result<std::optional<std::string>>> ask(host::Runtime& runtime, std::string binary, std::string question) {
  host::SpawnSpec spec{.argv = {std::move(binary), std::move(question)}, .env = {"LC_ALL=C"}, .cwd = "/"};
  auto output = CO_TRY(co_await host::run_command(runtime, std::move(spec), host::after(limits::kVmmProbeDeadline)));
  if (output.status.shell_code() != 0) co_return std::nullopt;
  co_return std::move(output.out);
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
  auto text = CO_TRY(co_await ask(runtime, facts.binary, "--version"));
  facts.version = CO_TRY(version_in(facts.binary, text.value_or("")));
  auto states = CO_TRY(co_await ask(runtime, facts.binary, "--snapshot-version"));
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
