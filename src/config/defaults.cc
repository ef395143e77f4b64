#include "config/defaults.h"

#include <algorithm>

#include "base/bounds.h"
#include "config/bounds.h"
#include "vm/bounds.h"

namespace banger::config {

namespace {

constexpr std::uint64_t whole_mib(std::uint64_t bytes) { return bytes / limits::kMiB * limits::kMiB; }

Default<std::uint32_t> vcpus_for(const HostFacts& host) {
  auto share = std::min(host.cpus / 4, limits::kMostDefaultVcpus);
  if (share < limits::kLeastDefaultVcpus) return {limits::kLeastDefaultVcpus, "built-in"};
  return {share, "host"};
}

Default<std::uint64_t> memory_for(const HostFacts& host) {
  auto share = whole_mib(std::min(host.memory_bytes / 8, limits::kMostDefaultMemoryBytes));
  if (share >= limits::kLeastDefaultMemoryBytes) return {share, "host"};
  if (host.memory_bytes == 0 || host.memory_bytes >= limits::kLeastDefaultMemoryBytes)
    return {limits::kLeastDefaultMemoryBytes, "built-in"};
  return {std::max<std::uint64_t>(whole_mib(host.memory_bytes / 2), limits::kMinMemoryBytes), "host"};
}

template <class T>
Default<T> or_else(const std::optional<T>& configured, Default<T> otherwise) {
  return configured ? Default<T>{*configured, "config"} : otherwise;
}

}  // namespace

VmSizes resolve_defaults(const Config& config, const HostFacts& host) {
  const auto& wanted = config.vm_defaults;
  VmSizes sizes{or_else(wanted.vcpus, vcpus_for(host)), or_else(wanted.memory_bytes, memory_for(host)),
                or_else(wanted.disk_bytes, {limits::kDefaultDiskBytes, "built-in"}),
                or_else(wanted.system_bytes, {limits::kDefaultDiskBytes, "built-in"})};
  sizes.memory_bytes.value = whole_mib(sizes.memory_bytes.value);
  return sizes;
}

}  // namespace banger::config
