#include "http/hosts_file.h"

#include <algorithm>

#include "base/text.h"
#include "http/bounds.h"
#include "http/headers.h"

namespace banger::http {

namespace {

std::string_view take_word(std::string_view& line) {
  line = trim(line);
  auto word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

bool names(std::string_view line, std::string_view host) {
  for (auto word = take_word(line); !word.empty(); word = take_word(line))
    if (same_name(word, host)) return true;
  return false;
}

}  // namespace

std::vector<Address> find_in_hosts(std::string_view file, std::string_view host) {
  std::vector<Address> found;
  for (auto line : split(file, '\n')) {
    line = line.substr(0, line.find('#'));
    auto address = parse_address(take_word(line));
    if (!address || !names(line, host) || found.size() == limits::kAddresses) continue;
    if (std::ranges::find(found, *address) == found.end()) found.push_back(*address);
  }
  return found;
}

}  // namespace banger::http
