// Fuzzes the search for a user in passwd(5) and group(5) of a guest. The first line is the user, and a line with a tab
// parts both files.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "roles/agent/bounds.h"
#include "roles/agent/users.h"

using namespace banger;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto line = text.find('\n');
  if (line == text.npos) return 0;
  auto files = text.substr(line + 1);
  auto part = files.find('\t');
  auto user = roles::agent::find_user(text.substr(0, line), files.substr(0, part),
                                      part == files.npos ? "" : files.substr(part + 1));
  if (!user) return 0;
  if (user->uid == UINT32_MAX || user->gid == UINT32_MAX || !user->home.starts_with('/')) std::abort();
  if (user->groups.empty() || user->groups.size() > limits::kSupplementaryGroups) std::abort();
  return 0;
}
