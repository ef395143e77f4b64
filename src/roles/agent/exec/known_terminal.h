// The value of TERM in a guest that does not know the client's terminal.
#pragma once

#include <string>

namespace banger::roles::agent {

/// `term` if the guest describes that terminal, otherwise "xterm-256color": newer terminals imitate xterm. A guest
/// without descriptions (terminfo(5)) keeps `term`. `root` is for tests.
std::string known_terminal(const std::string& term, const std::string& home, const std::string& root = "");

}  // namespace banger::roles::agent
