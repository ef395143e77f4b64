#include "engine/installed_vmms.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/files.h"
#include "machine/vmm_process.h"

namespace banger::engine {

using machine::KvmVerdict;
using machine::firecracker::FirecrackerFacts;
using machine::qemu::QemuFacts;

InstalledVmms::InstalledVmms(host::Runtime& runtime, const Logger& log, const host::Paths& paths,
                             const config::Config& config, store::Store& store, std::string path_variable,
                             HostKvm host_kvm)
    : runtime_(runtime),
      log_(log),
      paths_(paths),
      config_(config),
      store_(store),
      path_variable_(std::move(path_variable)),
      host_kvm_(std::move(host_kvm)),
      probing_(runtime) {}

Task<Result<QemuFacts>> InstalledVmms::qemu() {
  if (facts_) co_return *facts_;
  facts_ = CO_TRY(
      co_await machine::qemu::probe_qemu(runtime_, {.binary = config_.qemu_bin, .path_variable = path_variable_}));
  log_.info("qemu.found", {{"binary", facts_->binary}, {"version", facts_->version}});
  co_return *facts_;
}

namespace {

// A verdict is valid for one boot of the host, because modules, BIOS settings and nesting may change with the next.
std::string fact_key(const std::string& key) {
  auto boot = host::read_file("/proc/sys/kernel/random/boot_id", 64);
  return fmt::format("kvm:{}:{}", boot ? trim(*boot) : "unknown", key);
}

std::optional<KvmVerdict> decode_verdict(const std::string& text) {
  auto json = parse_json(text, 64 * 1024);
  if (!json) return std::nullopt;
  auto usable = get_bool(*json, "usable");
  auto reason = get_string(*json, "reason");
  auto cpu = get_string(*json, "cpu");
  if (!usable || !reason || !cpu) return std::nullopt;
  return KvmVerdict{.usable = *usable, .reason = *reason, .cpu = *cpu};
}

std::string encode_verdict(const KvmVerdict& verdict) {
  return dump_json({{"usable", verdict.usable}, {"reason", verdict.reason}, {"cpu", verdict.cpu}});
}

KvmVerdict unusable(KvmDevice device) {
  return {.usable = false, .reason = std::move(device.reason), .hint = std::move(device.hint)};
}

}  // namespace

Task<Result<KvmVerdict>> InstalledVmms::stored_or(std::string vmm, std::string key, Probe probe) {
  auto turn = co_await probing_.lock();
  key = fact_key(key);
  if (auto known = CO_TRY(store_.fact(key)))
    if (auto verdict = decode_verdict(*known)) co_return *verdict;
  auto scratch = fmt::format("{}/kvm-probe", paths_.run());
  CO_TRY(host::remove_tree(scratch));
  CO_TRY(host::make_private_directory(scratch));
  auto verdict = co_await probe(scratch);
  (void)host::remove_tree(scratch);
  log_.info("kvm.probed", {{"vmm", vmm}, {"usable", verdict.usable ? "yes" : "no"}, {"reason", verdict.reason}});
  CO_TRY(store_.set_fact(key, encode_verdict(verdict)));
  co_return verdict;
}

// The device is checked each time, because that is cheap and permissions may change without a reboot.
Task<Result<KvmVerdict>> InstalledVmms::kvm(const std::string& kernel) {
  auto facts = CO_TRY(co_await qemu());
  if (auto device = host_kvm_.device(); device.state != KvmDevice::State::open) co_return unusable(std::move(device));
  co_return co_await stored_or("qemu", machine::qemu::key_of_probe(facts, kernel), [&](const std::string& scratch) {
    return machine::qemu::probe_kvm(runtime_, facts, kernel, scratch);
  });
}

Task<Result<KvmVerdict>> InstalledVmms::firecracker_kvm(const std::string& kernel) {
  auto facts = CO_TRY(co_await firecracker());
  auto device = host_kvm_.device();
  bool jailed = config_.jailer_enabled && host_kvm_.may_jail;
  if (device.state == KvmDevice::State::closed && jailed)
    co_return KvmVerdict{.usable = true, .reason = "each jail has a /dev/kvm of its own; this user cannot test it"};
  if (device.state != KvmDevice::State::open) co_return unusable(std::move(device));
  co_return co_await stored_or(
      "firecracker", machine::firecracker::key_of_probe(facts, kernel),
      [&](const std::string& scratch) { return machine::firecracker::probe_kvm(runtime_, facts, kernel, scratch); });
}

// decode_verdict() rejects an empty text.
Task<Result<>> InstalledVmms::forget_kvm(const std::string& kernel) {
  if (auto facts = co_await qemu()) CO_TRY(store_.set_fact(fact_key(machine::qemu::key_of_probe(*facts, kernel)), ""));
  if (auto facts = co_await firecracker())
    CO_TRY(store_.set_fact(fact_key(machine::firecracker::key_of_probe(*facts, kernel)), ""));
  co_return Result<>{};
}

machine::Driver* InstalledVmms::driver(const QemuFacts& facts, const std::string& accelerator) {
  auto& slot = drivers_[fmt::format("{} {}", accelerator, facts.kvm_cpu)];
  if (!slot) slot = machine::qemu::make_driver(runtime_, log_, facts, accelerator);
  return slot.get();
}

machine::Driver* InstalledVmms::driver(const FirecrackerFacts& facts) {
  auto& slot = drivers_["firecracker"];
  if (!slot) slot = machine::firecracker::make_driver(runtime_, log_, facts);
  return slot.get();
}

Task<Result<FirecrackerFacts>> InstalledVmms::firecracker() {
  if (firecracker_) co_return *firecracker_;
  firecracker_ = CO_TRY(co_await machine::firecracker::probe_firecracker(
      runtime_, {.binary = config_.firecracker_bin, .path_variable = path_variable_}));
  log_.info("firecracker.found", {{"binary", firecracker_->binary}, {"version", to_string(firecracker_->version)}});
  co_return *firecracker_;
}

Task<Result<Choice>> InstalledVmms::decide(const std::string& kernel, NetworkNeeds network) {
  if (config_.machine == config::MachineChoice::qemu) co_return Choice{Choice::Vmm::qemu, "the configuration says so"};
  auto facts = co_await firecracker();
  if (config_.machine == config::MachineChoice::firecracker) {
    if (!facts) co_return std::unexpected(std::move(facts).error());
    if (network.user_mode && network.outside)
      co_return fail(ErrorCode::unsupported,
                     "Firecracker has no user-mode network, and the VM needs one to reach the outside",
                     "set machine = \"qemu\", or make the VM with --no-nat");
    co_return Choice{Choice::Vmm::firecracker, "the configuration says so"};
  }
  if (!facts) co_return Choice{Choice::Vmm::qemu, facts.error().message};
  if (network.user_mode) co_return Choice{Choice::Vmm::qemu, "Firecracker has no user-mode network"};
  auto verdict = co_await firecracker_kvm(kernel);
  if (!verdict)
    co_return Choice{Choice::Vmm::qemu,
                     fmt::format("whether KVM runs guests is not known: {}", verdict.error().message)};
  if (!verdict->usable) co_return Choice{Choice::Vmm::qemu, fmt::format("Firecracker needs KVM: {}", verdict->reason)};
  co_return Choice{Choice::Vmm::firecracker, "it is installed and KVM runs guests"};
}

Task<Result<machine::Driver*>> InstalledVmms::choose(const std::string& kernel, NetworkNeeds network) {
  auto choice = CO_TRY(co_await decide(kernel, network));
  if (choice.vmm == Choice::Vmm::firecracker) co_return driver(CO_TRY(co_await firecracker()));
  co_return co_await qemu_driver(kernel);
}

Task<Result<machine::Driver*>> InstalledVmms::qemu_driver(const std::string& kernel) {
  auto facts = CO_TRY(co_await qemu());
  auto verdict = CO_TRY(co_await kvm(kernel));
  if (!verdict.usable && !facts.tcg_built_in)
    co_return fail(
        ErrorCode::unsupported,
        fmt::format("this host cannot run guests: {}, and {} is built without software emulation (TCG)", verdict.reason,
                    facts.binary),
        "make KVM usable, or set qemu_bin to a QEMU with TCG; after a change, banger doctor --fix tries KVM again");
  facts.kvm_cpu = verdict.cpu;
  co_return driver(facts, verdict.usable ? "kvm" : "tcg");
}

Task<Result<machine::Driver*>> InstalledVmms::for_record(const machine::MachineRecord& record) {
  if (record.driver == "firecracker") {
    auto facts = co_await firecracker();
    co_return driver(facts ? *facts : FirecrackerFacts{});
  }
  if (record.driver != "qemu")
    co_return fail(ErrorCode::unsupported,
                   fmt::format("this version of banger has no driver '{}'", printable(record.driver)));
  auto facts = co_await qemu();
  // The binary may have been removed while its process runs. Adopting a process needs no facts about the binary.
  co_return driver(facts ? *facts : QemuFacts{}, record.accelerator);
}

std::optional<host::ProcessId> InstalledVmms::find_process(std::string_view token) const {
  return machine::find_process_by_token(token);
}

bool InstalledVmms::is_alive(const machine::MachineRecord& record) const {
  if (record.process.pid == 0) return find_process(record.token).has_value();
  return machine::VmmProcess::adopt(record).has_value();
}

}  // namespace banger::engine
