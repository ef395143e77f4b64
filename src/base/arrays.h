// Constant tables made of other constant tables.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace banger {

template <class T, std::size_t... sizes>
consteval std::array<T, (sizes + ...)> concat(const std::array<T, sizes>&... parts) {
  std::array<T, (sizes + ...)> all;
  auto at = all.begin();
  ((at = std::ranges::copy(parts, at).out), ...);
  return all;
}

}  // namespace banger
