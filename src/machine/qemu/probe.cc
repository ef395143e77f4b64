#include <fmt/format.h>

#include "base/text.h"
#include "machine/qemu/cage.h"
#include "machine/qemu/qemu.h"
#include "machine/vmm_binary.h"

namespace banger::machine::qemu {

namespace {

constexpr std::string_view kDefaultBinary = "qemu-system-x86_64";
constexpr std::string_view kInstallHint =
    "install it (Debian, Ubuntu: apt install qemu-system-x86; Fedora: dnf install qemu-system-x86-core)";

Result<std::string> find_binary(const QemuOptions& options) {
  return find_vmm_binary({.configured = options.binary,
                          .path_variable = options.path_variable,
                          .name = kDefaultBinary,
                          .config_key = "qemu_bin",
                          .install_hint = kInstallHint});
}

// "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright …" → "7.2.22 (Debian …)"
std::optional<std::string> version_in(std::string_view text) {
  constexpr std::string_view kBefore = "QEMU emulator version ";
  if (!text.starts_with(kBefore)) return std::nullopt;
  auto line = split(text, '\n').front();
  return printable(trim(line.substr(kBefore.size())));
}

// Each line of a list begins with a name.
bool lists(std::string_view text, std::string_view name) {
  for (auto line : split(text, '\n'))
    if (split(trim(line), ' ').front() == name) return true;
  return false;
}

// A QEMU without seccomp refuses the option. A QEMU that is a script, or has its parts in other places, fails in a
// cage. The first question answers for nearly all of them.
Task<Result<>> probe_machines(host::Runtime& runtime, QemuFacts& facts) {
  auto cage = facts.files.empty() ? fail(ErrorCode::unsupported, "") : Cage::of_questions(facts.files);
  for (auto [sandbox, landlock] : {std::pair{true, true}, {true, false}, {false, true}, {false, false}}) {
    if (landlock && !cage) continue;
    std::vector<std::string> argv{facts.binary};
    if (sandbox) argv.insert(argv.end(), {"-sandbox", "on,spawn=deny"});
    argv.insert(argv.end(), {"-M", "help"});
    std::function<void(host::SpawnSpec&)> confine;
    if (landlock) confine = [&cage](host::SpawnSpec& spec) { cage->confine(spec); };
    auto machines = co_await ask_binary(runtime, std::move(argv), confine);
    if (!machines && !landlock) co_return std::unexpected(std::move(machines).error());
    if (!machines || !*machines) continue;
    facts.sandbox = sandbox;
    facts.landlock = landlock;
    facts.microvm = lists(**machines, "microvm");
    break;
  }
  co_return Result<>();
}

}  // namespace

Task<Result<QemuFacts>> probe_qemu(host::Runtime& runtime, const QemuOptions& options) {
  QemuFacts facts{.binary = CO_TRY(find_binary(options))};
  auto version_text = CO_TRY(co_await ask_binary(runtime, {facts.binary, "-version"}));
  auto version = version_in(version_text.value_or(""));
  if (!version)
    co_return fail(ErrorCode::unsupported, fmt::format("{} does not print a QEMU version", facts.binary),
                   "check qemu_bin in the config");
  facts.version = *version;

  facts.files = files_of(facts.binary);
  CO_TRY(co_await probe_machines(runtime, facts));
  if (!facts.microvm)
    co_return fail(ErrorCode::unsupported,
                   fmt::format("{} (version {}) has no microvm machine", facts.binary, facts.version),
                   "install QEMU 7.2 or later for x86-64");

  auto accelerators = CO_TRY(co_await ask_binary(runtime, {facts.binary, "-accel", "help"}));
  facts.kvm_built_in = accelerators && lists(*accelerators, "kvm");
  facts.tcg_built_in = accelerators && lists(*accelerators, "tcg");
  co_return facts;
}

}  // namespace banger::machine::qemu
