// Which files of a checkout travel.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <future>
#include <unordered_map>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/checkout.h"
#include "workspace/stat_cache.h"

namespace banger::workspace {

namespace {

constexpr std::string_view kSubmodule = "160000";

struct IndexEntry {
  char tag = 0;  // 'S' for a file outside of a sparse checkout, 'M' for a conflict
  TravelFile file;
};

// "H 100644 0123… 0\tpath"
Result<IndexEntry> parse_entry(std::string_view record) {
  auto tab = record.find('\t');
  auto words = split(record.substr(0, tab), ' ');
  if (tab == record.npos || words.size() != 4 || words[0].size() != 1)
    return fail(ErrorCode::corrupt, "git ls-files printed something unknown");
  bool conflict = words[3] != "0";
  return IndexEntry{
      conflict ? 'M' : words[0][0],
      {.path = std::string(record.substr(tab + 1)), .mode = std::string(words[1]), .id = std::string(words[2])}};
}

Result<> check_entry(const IndexEntry& entry, const Checkout& checkout) {
  auto name = printable(entry.file.path);
  if (entry.tag == 'M')
    return fail(ErrorCode::busy, fmt::format("{} has an unresolved conflict in {}", printable(checkout.top), name),
                "finish or abort the merge");
  return {};
}

// The files with a filter: path → true.
Result<std::unordered_map<std::string, bool>> find_filtered(const Git& git, const std::vector<TravelFile>& files) {
  std::string names;
  for (const auto& file : files) names += file.path + '\0';
  std::unordered_map<std::string, bool> filtered;
  auto output = TRY(git.run({"check-attr", "-z", "--stdin", "filter"}, {.input = names}));
  auto records = records_of(output);
  for (std::size_t i = 0; i + 2 < records.size(); i += 3)
    if (records[i + 2] != "unspecified" && records[i + 2] != "unset" && records[i + 2] != "set")
      filtered.emplace(records[i], true);
  return filtered;
}

// As for git, a file behind a symlink is not there.
bool is_there(DirectoryCursor& cursor, const TravelFile& file) {
  auto place = cursor.find(file.path);
  struct stat info{};
  if (!place || ::fstatat(place->directory, place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) return false;
  return S_ISREG(info.st_mode) || S_ISLNK(info.st_mode);
}

void add_untracked(std::string_view output, Untracked untracked, Listing& listing) {
  for (auto path : records_of(output)) {
    // git names a repository inside this one as a directory.
    if (path.ends_with('/'))
      listing.nested.emplace_back(path.substr(0, path.size() - 1));
    else if (untracked == Untracked::skip)
      ++listing.untracked;
    else
      listing.files.push_back({.path = std::string(path), .mode = {}, .id = {}});
  }
}

}  // namespace

std::unexpected<Error> fail_submodule(const std::string& path) {
  return fail(ErrorCode::unsupported, fmt::format("the submodule {} cannot travel", printable(path)),
              "use --mode full_copy, which takes submodules along");
}

Result<Listing> list_files(const Git& git, const Checkout& checkout, Untracked untracked, Submodules submodules) {
  Listing listing;
  std::vector<TravelFile> tracked;
  // git looks for new files in the whole tree, which takes as long as everything else here.
  auto others =
      std::async(std::launch::async, [&git] { return git.run({"ls-files", "-z", "--others", "--exclude-standard"}); });
  auto output = TRY(git.run({"ls-files", "-z", "-s", "-t"}));
  for (auto record : records_of(output)) {
    auto entry = TRY(parse_entry(record));
    TRY(check_entry(entry, checkout));
    bool submodule = entry.file.mode == kSubmodule;
    if (submodule && submodules == Submodules::refuse) return fail_submodule(entry.file.path);
    if (submodule) {
      listing.submodules.push_back(std::move(entry.file));
      continue;
    }
    if (entry.tag == 'S') entry.file.content = Content::git;
    tracked.push_back(std::move(entry.file));
  }
  auto filtered = TRY(find_filtered(git, tracked));
  auto top = TRY(host::open_file(checkout.top, O_PATH | O_DIRECTORY));
  DirectoryCursor cursor(top.get());
  for (auto& file : tracked) {
    if (file.content == Content::tree && !is_there(cursor, file)) {
      listing.deleted.push_back(std::move(file));
      continue;
    }
    if (filtered.contains(file.path) && file.mode != "120000") {
      file.content = Content::git;
      ++listing.filtered;
    }
    listing.files.push_back(std::move(file));
  }
  add_untracked(TRY(others.get()), untracked, listing);
  if (listing.files.size() > limits::kWorkspaceFiles)
    return fail(ErrorCode::exhausted,
                fmt::format("{} has more than {} files", printable(checkout.top), limits::kWorkspaceFiles));
  return listing;
}

}  // namespace banger::workspace
