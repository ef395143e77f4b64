// Firecracker's versions, and what differs between them as far as this driver is concerned. Pure.
// Source: Firecracker's CHANGELOG.md.
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
inline constexpr Version kNewestKnown{1, 17, 0};  ///< later ones of the same major version are taken to be alike

/// "1.13.1", "v1.17.0-dev", and the first such word of what `firecracker --version` prints.
std::optional<Version> find_version(std::string_view text);
std::string to_string(const Version& version);

/// The network device behind an interface can be another one when a saved state is loaded.
constexpr bool has_network_overrides(const Version& v) { return v >= Version{1, 12, 0}; }
/// A balloon through which the guest gives back what it has freed, without anybody asking for it.
constexpr bool reports_free_pages(const Version& v) { return v >= Version{1, 14, 0}; }
/// A guest that goes on from a saved state never hears from its host again (fixed in 1.16.1).
constexpr bool restores_without_vsock(const Version& v) { return v == Version{1, 16, 0}; }
/// After a pause without a save no new connection reaches the guest (fixed after 1.16.1).
constexpr bool pauses_break_vsock(const Version& v) { return v <= Version{1, 16, 1}; }

}  // namespace banger::machine::firecracker
