#include "workspace/unchanged.h"

#include <filesystem>
#include <span>

#include "base/text.h"

namespace banger::workspace {

namespace {

// One record of git-ls-tree(1): "100644 blob ID\tPATH".
struct TreeEntry {
  std::string_view mode, kind, id, path;
};

TreeEntry entry_of(std::string_view record) {
  auto tab = record.find('\t');
  auto words = split(record.substr(0, tab), ' ');
  if (tab == record.npos || words.size() != 3) return {};
  return {.mode = words[0], .kind = words[1], .id = words[2], .path = record.substr(tab + 1)};
}

// Git reads these in the tree, so they are always there.
bool is_for_git(std::string_view path) {
  auto name = path.substr(path.rfind('/') + 1);
  return name == ".gitattributes" || name == ".gitignore";
}

// A partial clone would lack old versions of files.
bool is_whole(const Git& git) {
  auto partial = git.line({"config", "--get-regexp", "^(extensions\\.partialclone|remote\\..*\\.promisor)$"});
  return partial && partial->empty();
}

void add_entry(const TreeEntry& entry, const FileStates& guest, const Blobs& blobs, Unchanged& unchanged) {
  auto path = std::string(entry.path);
  auto there = guest.find(path);
  auto hash = blobs.find(std::string(entry.id));
  if (entry.kind != "blob" || there == guest.end() || !hash || is_for_git(path)) return;
  FileState base{.link = entry.mode == "120000", .executable = entry.mode == "100755", .hash = *hash};
  if (there->second != base) return;
  unchanged.index.append(entry.mode).append(" ").append(entry.id).append("\t").append(path) += '\0';
  unchanged.names.append(path) += '\0';
  unchanged.files.emplace_hint(unchanged.files.end(), std::move(path), std::move(base));
}

}  // namespace

std::string PreparedBase::text() const {
  auto text = top + '\0';
  for (const auto& pack : packs) text += pack + '\0';
  return text;
}

PreparedBase PreparedBase::parse(std::string_view text) {
  auto records = records_of(text);
  if (records.empty() || !records[0].starts_with('/')) return {};
  PreparedBase base{.top = std::string(records[0]), .packs = {}};
  for (auto pack : std::span(records).subspan(1))
    if (!pack.contains('/')) base.packs.emplace_back(pack);
  return base;
}

std::vector<std::string> packs_in(const std::string& git_directory) {
  namespace fs = std::filesystem;
  std::vector<std::string> packs;
  std::error_code error;
  for (fs::directory_iterator at(git_directory + "/objects/pack", error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".pack") packs.push_back(at->path().filename().string());
  return packs;
}

Result<Unchanged> find_unchanged(const host::GetEnv& env, const PreparedBase& base, const std::string& commit,
                                 const FileStates& guest, const Blobs& blobs, const StopFlag* stop) {
  auto git = TRY(Git::of_user(env, base.top, stop));
  auto found = TRY(git.line({"rev-parse", "--verify", "-q", "--end-of-options", commit + "^{commit}"}));
  if (found != commit || !is_whole(git)) return fail(ErrorCode::not_found, "this host no longer has the commit");
  Unchanged unchanged;
  unchanged.objects = TRY(git.line({"rev-parse", "--path-format=absolute", "--git-path", "objects"}));
  // A line of the file that names such a directory cannot have a newline, and '"' begins a quoted name.
  if (!unchanged.objects.starts_with('/') || unchanged.objects.contains('\n'))
    return fail(ErrorCode::not_found, "git cannot use the objects of this host");
  auto listed = TRY(git.run({"ls-tree", "-r", "-z", "--full-tree", commit}));
  for (auto record : records_of(listed)) add_entry(entry_of(record), guest, blobs, unchanged);
  for (const auto& pack : base.packs) unchanged.names.append(".git/objects/pack/").append(pack) += '\0';
  for (auto list : {kSeenName, kSentName}) unchanged.names.append(list) += '\0';
  return unchanged;
}

}  // namespace banger::workspace
