#include "vm/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "base/utf8.h"
#include "guestcfg/checks.h"
#include "guestcfg/environment.h"
#include "vm/bounds.h"
#include "vm/guest_limits.h"

namespace banger::vm {

namespace {

// Names that mean something else in the guest's /etc/hosts, or to every program.
constexpr std::string_view kTakenNames[] = {"localhost",       "ip6-localhost", "ip6-loopback",  "ip6-localnet",
                                            "ip6-mcastprefix", "ip6-allnodes",  "ip6-allrouters"};
constexpr std::string_view kDigits = "0123456789", kHexDigits = "0123456789abcdef";

std::unexpected<Error> bad_name(std::string_view name, std::string_view noun, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a {}: {}", printable(name, 80), noun, why),
              "use a-z, 0-9 and '-', with a letter or digit at both ends, at most 63 characters");
}

Result<> check_characters(std::string_view name, std::string_view noun) {
  auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty()) return bad_name(name, noun, "it is empty");
  if (name.size() > limits::kVmNameBytes) return bad_name(name, noun, fmt::format("it has {} characters", name.size()));
  if (!lower_or_digit(name[0]))
    return bad_name(name, noun, fmt::format("it starts with '{}'", printable(name.substr(0, 1))));
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!lower_or_digit(name[i]) && name[i] != '-')
      return bad_name(name, noun, fmt::format("it holds '{}'", printable(name.substr(i, 1))));
  return {};
}

// inet_aton(3) reads such a name as an address, and so does every program that looks up a name.
bool is_address(std::string_view name) {
  if (name.starts_with("0x")) return name.find_first_not_of(kHexDigits, 2) == name.npos;
  return name.find_first_not_of(kDigits) == name.npos;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Labels are printed in tables, and all VMs with their labels go into one message.
Result<> check_labels(const std::map<std::string, std::string>& labels) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : labels) {
    auto bad = [&](std::string_view why) {
      return fail(ErrorCode::invalid, fmt::format("the label '{}' {}", printable(key, 80), why));
    };
    if (key.empty()) return fail(ErrorCode::invalid, "a label has no key");
    if (key.contains('=')) return bad("has a '=' in its key");
    if (!is_utf8(key) || !is_utf8(value)) return bad("is not UTF-8 text");
    if (has_control_characters(key) || has_control_characters(value)) return bad("has control characters");
    bytes += key.size() + value.size();
  }
  if (bytes > limits::kLabelBytes)
    return fail(ErrorCode::invalid, fmt::format("the labels of a VM have {} bytes, over the limit of {}", bytes,
                                                format_size(limits::kLabelBytes)));
  return {};
}

// All rules of a VM go into its record, and into one message.
Result<> check_allow(const std::vector<std::string>& rules) {
  constexpr std::string_view kWayOut = "keep long lists as [egress.NAME] in the config";
  if (rules.size() > limits::kAllowRules)
    return fail(ErrorCode::invalid,
                fmt::format("a VM has {} rules of hosts that it may reach, over the limit of {}", rules.size(),
                            limits::kAllowRules),
                std::string(kWayOut));
  std::size_t bytes = 0;
  for (const auto& rule : rules) {
    auto bad = [&](std::string_view why) {
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' is not a host that a VM may reach: it {}", printable(rule, 80), why),
                  "give NAME, *.NAME, ADDRESS or CIDR, with :PORT if you like");
    };
    if (rule.empty()) return bad("is empty");
    if (rule.size() > limits::kAllowRuleBytes) return bad(fmt::format("has {} bytes", rule.size()));
    if (!is_utf8(rule)) return bad("is not UTF-8 text");
    if (has_control_characters(rule)) return bad("has control characters");
    bytes += rule.size();
  }
  if (bytes > limits::kAllowBytes)
    return fail(ErrorCode::invalid,
                fmt::format("the rules of hosts that a VM may reach have {} bytes, over the limit of {}", bytes,
                            format_size(limits::kAllowBytes)),
                std::string(kWayOut));
  return {};
}

Result<> check_vcpus(std::uint32_t vcpus, std::uint32_t host_cpus) {
  if (vcpus == 0) return fail(ErrorCode::invalid, "a VM needs at least 1 vcpu", "give --vcpu 1 or more");
  auto share = limits::kVcpusPerCpu * host_cpus;
  if (vcpus <= std::min(limits::kMaxVcpus, share)) return {};
  if (limits::kMaxVcpus <= share)
    return fail(ErrorCode::invalid, fmt::format("{} vcpus are too many for a VM", vcpus),
                fmt::format("give at most {}", limits::kMaxVcpus));
  return fail(ErrorCode::invalid,
              fmt::format("{} vcpus are too many: a VM may have {} for each of this host's {} processors", vcpus,
                          limits::kVcpusPerCpu, host_cpus),
              fmt::format("give at most {}", share));
}

Result<> check_disk(std::string_view what, std::uint64_t size_bytes) {
  if (size_bytes < limits::kMinDiskBytes)
    return fail(ErrorCode::invalid, fmt::format("{} of {} is too small", what, format_size(size_bytes)),
                fmt::format("give at least {}", format_size(limits::kMinDiskBytes)));
  if (size_bytes > limits::kMaxDiskBytes)
    return fail(ErrorCode::invalid, fmt::format("{} of {} is too large", what, format_size(size_bytes)),
                fmt::format("give at most {}", format_size(limits::kMaxDiskBytes)));
  return {};
}

}  // namespace

Result<> check_name(std::string_view name) {
  TRY(check_characters(name, "VM"));
  if (name.ends_with('-')) return bad_name(name, "VM", "it ends with '-'");
  if (is_address(name)) return bad_name(name, "VM", "programs read it as an address");
  if (std::ranges::find(kTakenNames, name) != std::end(kTakenNames))
    return bad_name(name, "VM", "the name has another meaning in every guest");
  // The guest's own rule, so a guest boots with every name that passes here.
  if (!guestcfg::check_host_name(name)) return bad_name(name, "VM", "it is not a host name");
  return {};
}

Result<> check_snapshot_name(std::string_view name) { return check_characters(name, "snapshot"); }

Result<> check_policy_name(std::string_view name) { return check_characters(name, "policy"); }

Result<> check_spec(const Spec& spec, const HostSize& host) {
  TRY(check_vcpus(spec.vcpus, std::max(host.cpus, 1u)));
  if (spec.memory_bytes < limits::kMinMemoryBytes)
    return fail(ErrorCode::invalid, fmt::format("memory of {} is too little to boot", format_size(spec.memory_bytes)),
                fmt::format("give at least {}", format_size(limits::kMinMemoryBytes)));
  if (spec.memory_bytes > host.memory_bytes)
    return fail(ErrorCode::exhausted,
                fmt::format("memory of {} is more than this host has ({})", format_size(spec.memory_bytes),
                            format_size(host.memory_bytes)),
                fmt::format("give less than {}", format_size(host.memory_bytes)));
  TRY(check_disk("a disk", spec.disk_bytes));
  TRY(check_disk("a system disk", spec.system_bytes));
  TRY(guestcfg::check_environment(spec.environment));
  TRY(check_labels(spec.labels));
  TRY(check_policy_name(spec.egress));
  TRY(check_allow(spec.allow));
  TRY(check_guest_limits(spec));
  TRY(check_secrets(spec.secrets, spec.environment));
  return check_published(spec.publish);
}

std::string spec_line(const Spec& spec) {
  return fmt::format("spec: {} vcpu · {} memory · {} disk", spec.vcpus, format_size(spec.memory_bytes),
                     format_size(spec.disk_bytes));
}

}  // namespace banger::vm
