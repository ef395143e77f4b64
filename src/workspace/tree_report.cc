#include "workspace/tree_report.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <functional>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/git.h"
#include "workspace/stat_cache.h"
#include "workspace/work_refs.h"

namespace banger::workspace {

namespace {

// Sections: "NAME BYTES\n", so many bytes, and the next one. The last one is "end".
constexpr std::string_view kEmpty = "empty", kManifest = "manifest", kGone = "gone", kNow = "now", kEnd = "end";

std::string section(std::string_view name, std::string_view bytes = {}) {
  auto text = fmt::format("{} {}\n", name, bytes.size());
  return text += bytes;
}

struct Section {
  std::string_view name, bytes;
};

Result<Section> next_section(std::string_view& rest) {
  auto bad = [] { return fail(ErrorCode::corrupt, "the guest's report about its tree is damaged"); };
  auto line = rest.substr(0, rest.find('\n'));
  auto space = line.find(' ');
  if (line.size() == rest.size() || space == line.npos) return bad();
  std::size_t bytes = 0;
  auto end = line.data() + line.size();
  if (auto [at, error] = std::from_chars(line.data() + space + 1, end, bytes); error != std::errc() || at != end)
    return bad();
  rest.remove_prefix(line.size() + 1);
  if (bytes > rest.size()) return bad();
  Section found{line.substr(0, space), rest.substr(0, bytes)};
  rest.remove_prefix(bytes);
  return found;
}

// Calls `use` with each section. `corrupt` for a text without its end.
Result<> for_each_section(std::string_view text, const std::function<Result<>(const Section&)>& use) {
  for (;;) {
    auto part = TRY(next_section(text));
    if (part.name == kEnd) break;
    TRY(use(part));
  }
  return text.empty() ? Result<>() : fail(ErrorCode::corrupt, "the guest's report about its tree has no end");
}

bool is_empty_directory(int top) {
  UniqueFd listed(::openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* directory = listed ? ::fdopendir(listed.get()) : nullptr;
  if (!directory) return false;
  listed.release();
  bool empty = true;
  while (const auto* entry = ::readdir(directory)) {
    std::string_view name = entry->d_name;
    empty = empty && (name == "." || name == "..");
  }
  ::closedir(directory);
  return empty;
}

// The list only helps later reports, so it needs no fsync: what a crash cuts off is read again.
Result<> replace_seen(int top, std::string_view text) {
  auto directory = TRY(open_in_tree(top, ".git/banger", O_PATH));
  constexpr const char* kName = "seen";
  constexpr const char* kFresh = "seen.new";
  UniqueFd file(::openat(directory.get(), kFresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_errno(kFresh);
  TRY(host::write_all(file.get(), text));
  if (::renameat(directory.get(), kFresh, directory.get(), kName) < 0) return fail_errno(kName);
  return {};
}

std::string read_seen(int top) {
  return read_in_tree(top, std::string(kSeenName), limits::kTreeReportBytes).value_or("");
}

// Whether there is no such file for git: nothing, something that is no file, or a file behind a symlink.
bool is_absent(const Error& error) {
  int number = error.sys_errno;
  return error.code == ErrorCode::invalid || number == ENOENT || number == ENOTDIR || number == ELOOP ||
         number == EXDEV;
}

// Adds the file to one of both lists. `record`: what is known of it, or empty.
Result<> look_at(StatCache& cache, std::string_view path, std::string_view record, FileStates& now, std::string& gone) {
  auto state = cache.state_of(std::string(path));
  if (!state && !is_absent(state.error())) return std::unexpected(std::move(state.error()));
  if (!state)
    gone.append(path) += '\0';
  else if (!is_record_of(record, *state))
    now[std::string(path)] = std::move(*state);
  return {};
}

Result<UniqueFd> open_tree(const std::string& path) { return host::open_file(path, O_PATH | O_DIRECTORY | O_NOFOLLOW); }

}  // namespace

Result<std::string> report_tree(const std::string& path) {
  auto opened = open_tree(path);
  if (!opened && opened.error().code == ErrorCode::not_found) return section(kEmpty) + section(kEnd);
  if (!opened) return std::unexpected(std::move(opened.error()));
  int top = opened->get();
  if (is_empty_directory(top)) return section(kEmpty) + section(kEnd);
  auto manifest = read_in_tree(top, std::string(kManifestName), limits::kTreeReportBytes);
  if (!manifest && is_absent(manifest.error())) return section(kEnd);
  if (!manifest) return std::unexpected(std::move(manifest.error()));
  StatCache cache(top, read_seen(top));
  Manifest now;
  now.head = read_in_tree(top, ".git/HEAD", limits::kRefBytes).value_or("");
  now.refs = TRY(read_work_refs(top));
  std::string gone;
  for (auto record : records_of(*manifest))
    if (auto name = path_in_record(record); is_tree_name(name)) TRY(look_at(cache, name, record, now.files, gone));
  if (cache.is_new()) (void)replace_seen(top, cache.text());
  return section(kManifest, *manifest) + section(kGone, gone) + section(kNow, now.text()) + section(kEnd);
}

Result<std::string> report_files(const std::string& path, std::string_view names) {
  auto top = TRY(open_tree(path));
  // Their stamps are not kept. The next prepare knows these files.
  StatCache cache(top.get(), "");
  Manifest now;
  std::string gone;
  for (auto name : records_of(names))
    if (is_tree_name(name)) TRY(look_at(cache, name, "", now.files, gone));
  return section(kNow, now.text()) + section(kEnd);
}

Result<> confirm_upload(const std::string& path) {
  auto top = TRY(open_tree(path));
  auto sent = TRY(read_in_tree(top.get(), std::string(kSentName), limits::kTreeReportBytes));
  TRY(replace_seen(top.get(), confirm_sent(top.get(), sent, read_seen(top.get()))));
  // It holds only directly after the upload.
  auto directory = TRY(open_in_tree(top.get(), ".git/banger", O_PATH));
  ::unlinkat(directory.get(), "sent", 0);
  return {};
}

Result<GuestTree> read_tree_report(std::string_view text) {
  GuestTree tree;
  tree.empty = false;
  TRY(for_each_section(text, [&](const Section& part) -> Result<> {
    if (part.name == kEmpty) tree.empty = true;
    if (part.name == kManifest) {
      tree.manifest = part.bytes;
      tree.files = TRY(Manifest::parse(part.bytes)).files;
    }
    if (part.name == kGone)
      for (auto name : records_of(part.bytes)) tree.files.erase(std::string(name));
    if (part.name != kNow) return {};
    auto now = TRY(Manifest::parse(part.bytes));
    tree.head = std::move(now.head);
    tree.refs = std::move(now.refs);
    for (auto& [path, state] : now.files) tree.files[path] = std::move(state);
    return {};
  }));
  return tree;
}

Result<FileStates> read_files_report(std::string_view text) {
  FileStates files;
  TRY(for_each_section(text, [&](const Section& part) -> Result<> {
    if (part.name == kNow) files = TRY(Manifest::parse(part.bytes)).files;
    return {};
  }));
  return files;
}

}  // namespace banger::workspace
