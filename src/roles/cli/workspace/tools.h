// The tools that a repository asks for: `mise install`, in a session of the guest. Best effort, and never in the way.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "roles/cli/workspace/guest.h"

namespace banger::roles::cli {

/// The file by which a repository asks mise for tools, among its files. Empty: there is none.
std::string_view tools_file(std::span<const std::string> paths);

/// If one of the files that were just sent asks for tools, and the guest has mise, starts the session `mise`, and
/// prints that. A failure is only printed.
void start_tools(Io& io, const GuestPlace& place, std::span<const std::string> sent);

}  // namespace banger::roles::cli
