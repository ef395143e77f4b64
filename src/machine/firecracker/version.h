// Firecracker's versions, and the differences between them that matter to this driver. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace banger::machine::firecracker {

struct Version {
  std::uint32_t major = 0, minor = 0, patch = 0;
  auto operator<=>(const Version&) const = default;
};

inline constexpr Version kOldest{1, 5, 0};
inline constexpr Version kNewestKnown{1, 17, 0};  ///< later versions of the same major version are treated like it

/// Parses "1.13.1" and "v1.17.0-dev". Finds the first version in the output of `firecracker --version`.
std::optional<Version> find_version(std::string_view text);
std::string to_string(const Version& version);

/// A saved state can be loaded with another network device behind an interface.
constexpr bool has_network_overrides(const Version& v) { return v >= Version{1, 12, 0}; }
/// A guest can give freed pages back through a balloon, without a request of the host.
constexpr bool reports_free_pages(const Version& v) { return v >= Version{1, 14, 0}; }
/// A restored guest never receives anything from its host again (fixed in 1.16.1).
constexpr bool restores_without_vsock(const Version& v) { return v == Version{1, 16, 0}; }
/// After a pause without a save, no new connection reaches the guest (fixed after 1.16.1).
constexpr bool pauses_break_vsock(const Version& v) { return v <= Version{1, 16, 1}; }

}  // namespace banger::machine::firecracker
