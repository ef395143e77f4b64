// Descriptors that a starter names on the command line.
#pragma once

#include <optional>
#include <string_view>

#include "base/unique_fd.h"

namespace banger::host {

/// The open descriptor whose number the text is; from now on, programs do not inherit it. Nothing for any other text,
/// and for a standard stream.
std::optional<UniqueFd> inherited_fd(std::string_view text);

}  // namespace banger::host
