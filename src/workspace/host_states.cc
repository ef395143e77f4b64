#include "workspace/host_states.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "host/files.h"
#include "workspace/stat_cache.h"

namespace banger::workspace {

namespace {

Result<UniqueFd> open_directory(const std::string& path) {
  if (path.empty()) return UniqueFd();
  return host::open_file(path, O_PATH | O_DIRECTORY);
}

}  // namespace

Result<FileStates> states_of(const Start& start, const std::string& tree, const std::string& files,
                             const StopFlag* stop, std::string* known) {
  auto tree_fd = TRY(open_directory(tree)), files_fd = TRY(open_directory(files));
  std::vector<const TravelFile*> sorted;
  for (const auto& file : start.listing.files) sorted.push_back(&file);
  std::ranges::sort(sorted, {}, &TravelFile::path);
  StatCache cache(tree_fd.get(), known ? std::move(*known) : "");
  FileStates states;
  for (const auto* file : sorted) {
    if (stop && *stop) return fail(ErrorCode::cancelled, "interrupted");
    auto state = file->content == Content::git ? state_of(files_fd.get(), file->path) : cache.state_of(file->path);
    states.emplace_hint(states.end(), file->path, TRY(std::move(state)));
  }
  if (known) *known = cache.text();
  return states;
}

}  // namespace banger::workspace
