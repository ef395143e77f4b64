#include "vm/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"

namespace banger::vm {

Json to_json(const Spec& spec) {
  return {{"image", spec.image},
          {"kernel", spec.kernel},
          {"vcpus", spec.vcpus},
          {"memory_bytes", spec.memory_bytes},
          {"disk_bytes", spec.disk_bytes},
          {"system_bytes", spec.system_bytes},
          {"nat", spec.nat},
          {"network", to_string(spec.network)},
          {"storage", to_string(spec.storage)},
          {"environment", spec.environment},
          {"labels", spec.labels}};
}

namespace {

Result<std::map<std::string, std::string>> string_map(const Json& json, const char* key) {
  std::map<std::string, std::string> map;
  auto it = json.find(key);
  if (it == json.end() || it->is_null()) return map;
  if (!it->is_object()) return fail(ErrorCode::invalid, fmt::format("field '{}' must be an object of strings", key));
  for (const auto& [name, value] : it->items()) {
    if (!value.is_string())
      return fail(ErrorCode::invalid, fmt::format("field '{}' must be an object of strings", key));
    map[name] = value.get<std::string>();
  }
  return map;
}

Result<std::uint64_t> size_field(const Json& json, std::string_view key) {
  auto value = TRY(get_int(json, key));
  if (value < 0) return fail(ErrorCode::invalid, fmt::format("field '{}' must not be negative", key));
  return static_cast<std::uint64_t>(value);
}

}  // namespace

Result<Spec> spec_from_json(const Json& json) {
  Spec spec;
  spec.image = TRY(get_string(json, "image"));
  spec.kernel = TRY(find_string(json, "kernel")).value_or("");
  auto vcpus = TRY(get_int(json, "vcpus"));
  if (vcpus < 0 || vcpus > UINT32_MAX) return fail(ErrorCode::invalid, "field 'vcpus' is out of range");
  spec.vcpus = static_cast<std::uint32_t>(vcpus);
  spec.memory_bytes = TRY(size_field(json, "memory_bytes"));
  spec.disk_bytes = TRY(size_field(json, "disk_bytes"));
  spec.system_bytes = TRY(size_field(json, "system_bytes"));
  spec.nat = TRY(find_bool(json, "nat")).value_or(true);
  if (auto network = TRY(find_string(json, "network"))) spec.network = TRY(network_from_string(*network));
  if (auto storage = TRY(find_string(json, "storage"))) spec.storage = TRY(storage_from_string(*storage));
  spec.environment = TRY(string_map(json, "environment"));
  spec.labels = TRY(string_map(json, "labels"));
  return spec;
}

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
