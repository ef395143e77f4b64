// What an apply of a guest config changed in the guest, or would change.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace banger::guest {

struct Changes {
  enum class Do {
    change,
    only_list,  ///< nothing is changed
  } how = Do::change;
  std::vector<std::string> what;  ///< paths of the guest, or words like "mount /srv"; each once, in order

  void add(const std::string& item) {
    if (std::ranges::find(what, item) == what.end()) what.push_back(item);
  }
};

}  // namespace banger::guest
