#include "vm/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "vm/bounds.h"

namespace banger::vm {

Result<> check_name(std::string_view name) {
  auto bad = [&](std::string_view why) {
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a VM: {}", printable(name, 80), why),
                "use a-z, 0-9 and '-', starting with a letter or digit, at most 63 characters");
  };
  auto lower_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty()) return bad("it is empty");
  if (name.size() > limits::kVmNameBytes) return bad(fmt::format("it has {} characters", name.size()));
  if (!lower_or_digit(name[0])) return bad(fmt::format("it starts with '{}'", printable(name.substr(0, 1))));
  for (std::size_t i = 0; i < name.size(); ++i)
    if (!lower_or_digit(name[i]) && name[i] != '-')
      return bad(fmt::format("it holds '{}'", printable(name.substr(i, 1))));
  return {};
}

namespace {

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

Result<> check_spec(const Spec& spec, const HostSize& host) {
  if (spec.vcpus == 0) return fail(ErrorCode::invalid, "a VM needs at least 1 vcpu", "give --vcpu 1 or more");
  auto most = std::min(limits::kMaxVcpus, std::max(host.cpus, 1u) * 4);
  if (spec.vcpus > most)
    return fail(ErrorCode::invalid, fmt::format("{} vcpus are too many: this host has {}", spec.vcpus, host.cpus),
                fmt::format("give at most {}", most));
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
  return {};
}

std::string spec_line(const Spec& spec) {
  return fmt::format("spec: {} vcpu · {} MiB · {} disk", spec.vcpus, spec.memory_bytes / limits::kMiB,
                     format_size(spec.disk_bytes));
}

}  // namespace banger::vm
