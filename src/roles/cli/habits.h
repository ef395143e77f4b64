// Words that people bring from other tools: docker, podman, multipass, limactl, ssh.
#pragma once

#include <string>
#include <string_view>

namespace banger::roles::cli {

/// "did you mean 'banger vm list'?" for `ps` and the like, and for a command of `vm` that was written without `vm`.
/// "" for any other word. `group`: the group in which the word was not found, "" at the top level.
std::string habit_hint(std::string_view group, std::string_view word);
/// The same for a word that is nearly one of these.
std::string misspelt_habit_hint(std::string_view group, std::string_view word);

/// The same for an option that other tools have: what to do instead. "" for any other option. `command`: its full name.
std::string option_hint(std::string_view command, std::string_view option);

}  // namespace banger::roles::cli
