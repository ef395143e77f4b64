// The words of a guest config's enumerations, for both directions.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "guestcfg/guest_config.h"

namespace banger::guestcfg {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

inline constexpr Names<Disk::Role, 4> kDiskRoles = {{{"rootfs", Disk::Role::rootfs},
                                                     {"system", Disk::Role::system},
                                                     {"work", Disk::Role::work},
                                                     {"modules", Disk::Role::modules}}};
inline constexpr Names<Unit::Action, 2> kUnitActions = {
    {{"mask", Unit::Action::mask}, {"enable", Unit::Action::enable}}};

template <class E, std::size_t N>
std::string_view name_of(const Names<E, N>& names, E value) {
  for (const auto& [name, known] : names)
    if (known == value) return name;
  return "";
}

template <class E, std::size_t N>
std::optional<E> value_of(const Names<E, N>& names, std::string_view wanted) {
  for (const auto& [name, value] : names)
    if (name == wanted) return value;
  return std::nullopt;
}

}  // namespace banger::guestcfg
