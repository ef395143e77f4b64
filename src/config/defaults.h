// The size of a VM whose creator gives none: from the config, else a share of the host, else a floor. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"

namespace banger::config {

struct HostFacts {
  std::uint32_t cpus = 0;          ///< 0: unknown
  std::uint64_t memory_bytes = 0;  ///< 0: unknown
};

template <class T>
struct Default {
  T value;
  std::string_view source;  ///< "config", "host", or "built-in" where nothing is known of the host
};

struct VmSizes {
  Default<std::uint32_t> vcpus;
  Default<std::uint64_t> memory_bytes;  ///< whole MiB
  Default<std::uint64_t> disk_bytes;
  Default<std::uint64_t> system_bytes;
};

/// The config's values come first. Without them, a VM gets a quarter of the host's processors (1 to 4) and an eighth of
/// its memory (512 MiB to 8 GiB). Its disks have 8 GiB. A host with less than 512 MiB gives half of its memory.
VmSizes resolve_defaults(const Config& config, const HostFacts& host);

}  // namespace banger::config
