// The schema, as steps that only go forward. Step N turns version N-1 into N; a step that has shipped never changes.
#pragma once

#include <span>
#include <string_view>

namespace banger::store {

/// Index 0 makes version 1 from an empty database.
std::span<const std::string_view> migrations();

}  // namespace banger::store
