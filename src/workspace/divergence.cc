#include "workspace/divergence.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "host/files.h"
#include "workspace/host_states.h"

namespace banger::workspace {

namespace {

const FileState* find(const FileStates& files, const std::string& path) {
  auto found = files.find(path);
  return found == files.end() ? nullptr : &found->second;
}

bool same(const FileState* one, const FileState* other) { return one && other ? *one == *other : one == other; }

// The files of the host as a prepare would send them. A file that was prepared counts even if git does not track it.
Result<FileStates> host_files(const Source& source, const FileStates& prepared, const std::string& directory) {
  Start start{.head = source.checkout.head, .branch = source.checkout.branch, .listing = {}};
  start.listing = TRY(list_files(source.git, source.checkout, Untracked::skip, Submodules::list));
  std::string files;
  if (std::ranges::find(start.listing.files, Content::git, &TravelFile::content) != start.listing.files.end())
    files = TRY(make_repository(source, start, directory)).files;
  auto states = TRY(states_of(start, source.checkout.top, files, source.stop));
  auto top = TRY(host::open_file(source.checkout.top, O_PATH | O_DIRECTORY));
  for (const auto& [path, before] : prepared)
    if (!states.contains(path))
      if (auto now = state_of(top.get(), path)) states.emplace(path, std::move(*now));
  return states;
}

Result<std::optional<std::size_t>> count_commits(const Source& source, const std::string& base) {
  if (source.checkout.head.empty()) return std::nullopt;
  std::vector<std::string> args = {"rev-list", "--count", source.checkout.head};
  if (!base.empty()) args.push_back("^" + base);
  auto text = TRY(source.git.line(args));
  std::size_t count = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc()) return std::nullopt;
  return count;
}

}  // namespace

ChangedFiles changed_files(const FileStates& prepared, const FileStates& guest, const FileStates& host) {
  std::set<std::string> names;
  for (const auto* files : {&prepared, &guest, &host})
    for (const auto& [path, state] : *files) names.insert(path);
  ChangedFiles changed;
  for (const auto& path : names) {
    auto before = find(prepared, path), there = find(guest, path), here = find(host, path);
    bool by_guest = !same(before, there), by_host = !same(before, here);
    if (by_guest) changed.guest.push_back(path);
    if (by_host) changed.host.push_back(path);
    if (by_guest && by_host && !same(there, here)) changed.both.push_back(path);
  }
  return changed;
}

Result<Divergence> find_divergence(const Comparison& guest, const Source& source, const std::string& directory) {
  const auto& prepared = guest.prepared();
  if (!prepared) return fail(ErrorCode::not_found, "no 'vm workspace prepare' has brought this repository there");
  Divergence found{.base = prepared->base,
                   .guest = guest.head(),
                   .guest_commits = TRY(guest.commits()),
                   .host_commits = TRY(count_commits(source, prepared->base)),
                   .files = {}};
  found.files =
      changed_files(prepared->files, TRY(guest.states()), TRY(host_files(source, prepared->files, directory)));
  return found;
}

}  // namespace banger::workspace
