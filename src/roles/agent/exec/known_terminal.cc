#include "roles/agent/exec/known_terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace banger::roles::agent {

namespace {

constexpr const char* kFallback = "xterm-256color";

/// Descriptions are in a directory named after their first character, or after its number on systems whose names
/// ignore case.
bool is_in(const std::string& directory, const std::string& term) {
  auto exists = [&](const std::string& sub) {
    return ::access(fmt::format("{}/{}/{}", directory, sub, term).c_str(), F_OK) == 0;
  };
  return exists(term.substr(0, 1)) || exists(fmt::format("{:02x}", static_cast<unsigned char>(term[0])));
}

}  // namespace

std::string known_terminal(const std::string& term, const std::string& home, const std::string& root) {
  const std::string directories[] = {root + home + "/.terminfo", root + "/etc/terminfo", root + "/lib/terminfo",
                                     root + "/usr/lib/terminfo", root + "/usr/share/terminfo"};
  auto described = [&](const std::string& name) {
    return std::any_of(std::begin(directories), std::end(directories),
                       [&](const auto& directory) { return is_in(directory, name); });
  };
  bool is_name = !term.empty() && term.find_first_of(std::string_view("/\0", 2)) == term.npos;
  if (is_name && described(term)) return term;
  return described(kFallback) ? kFallback : term;
}

}  // namespace banger::roles::agent
