#include "config/defaults.h"

#include <algorithm>

#include "base/bounds.h"
#include "config/bounds.h"
#include "vm/bounds.h"

namespace banger::config {

namespace {

constexpr std::uint64_t whole_mib(std::uint64_t bytes) { return bytes / limits::kMiB * limits::kMiB; }

Default<std::uint32_t> vcpus_for(const HostFacts& host) {
  if (host.cpus == 0) return {limits::kLeastDefaultVcpus, "built-in"};
  return {std::clamp(host.cpus / 4, limits::kLeastDefaultVcpus, limits::kMostDefaultVcpus), "host"};
}

Default<std::uint64_t> memory_for(const HostFacts& host) {
  constexpr std::uint64_t kLeast = limits::kLeastDefaultMemoryBytes, kMost = limits::kMostDefaultMemoryBytes;
  if (host.memory_bytes == 0) return {kLeast, "built-in"};
  if (host.memory_bytes >= kLeast) return {whole_mib(std::clamp(host.memory_bytes / 8, kLeast, kMost)), "host"};
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
