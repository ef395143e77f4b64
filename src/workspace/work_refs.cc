#include "workspace/work_refs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/manifest.h"
#include "workspace/tree_file.h"

namespace banger::workspace {

namespace {

std::unexpected<Error> too_many() { return fail(ErrorCode::exhausted, "the guest has too many branches"); }

struct Close {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// `name` is a directory below ".git": "refs/heads", or one of its directories.
Result<> add_loose_refs(int top, const std::string& name, std::size_t depth, Refs& refs) {
  auto fd = open_in_tree(top, ".git/" + name, O_RDONLY | O_DIRECTORY);
  if (!fd || depth > limits::kGuestTreeDepth) return {};
  std::unique_ptr<DIR, Close> directory(::fdopendir(fd->get()));
  if (!directory) return fail_errno("list references");
  fd->release();
  while (const auto* entry = ::readdir(directory.get())) {
    std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    auto path = name + "/" + std::string(child);
    if (entry->d_type == DT_DIR) {
      TRY(add_loose_refs(top, path, depth + 1, refs));
      continue;
    }
    if (entry->d_type != DT_REG || !counts_as_work(path)) continue;
    if (refs.size() >= limits::kRefs) return too_many();
    auto text = read_in_tree(top, ".git/" + path, limits::kRefBytes);
    if (text && is_object_id(trim(*text))) refs[path] = trim(*text);
  }
  return {};
}

}  // namespace

Result<> add_packed_refs(std::string_view text, Refs& refs) {
  for (auto line : split(text, '\n')) {
    auto at = line.find(' ');
    if (at == line.npos || !is_object_id(line.substr(0, at)) || !counts_as_work(line.substr(at + 1))) continue;
    if (refs.size() >= limits::kRefs) return too_many();
    refs.emplace(line.substr(at + 1), line.substr(0, at));  // a file of its own counts more
  }
  return {};
}

Result<Refs> read_work_refs(int top) {
  Refs refs;
  TRY(add_loose_refs(top, "refs", 0, refs));
  if (auto packed = read_in_tree(top, ".git/packed-refs", limits::kPackedRefsBytes); packed)
    TRY(add_packed_refs(*packed, refs));
  else if (packed.error().code != ErrorCode::not_found)
    return std::unexpected(std::move(packed.error()));
  return refs;
}

}  // namespace banger::workspace
