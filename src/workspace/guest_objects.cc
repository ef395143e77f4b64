#include "workspace/guest_objects.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/manifest.h"

namespace banger::workspace {

namespace {

namespace fs = std::filesystem;

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == text.npos; }

// Calls `use` with each name in the directory, if it is one.
Result<> for_each_name(const std::string& directory, const std::function<Result<>(const std::string&)>& use) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(directory, error))) return {};
  (void)::chmod(directory.c_str(), 0700);
  std::size_t count = 0;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (++count > limits::kGuestNames) return fail(ErrorCode::exhausted, "the guest has too many objects");
    TRY(use(at->path().filename().string()));
  }
  return error ? Result<>(fail_errno(directory, error.value())) : Result<>();
}

bool is_file(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::chmod(path.c_str(), 0600) == 0;
}

Result<> take_loose(const std::string& from, const std::string& to) {
  return for_each_name(from, [&](const std::string& name) -> Result<> {
    if (!is_hex(name) || (name.size() != 38 && name.size() != 62) || !is_file(from + "/" + name)) return {};
    TRY(host::make_directories(to, 0700));
    if (::rename((from + "/" + name).c_str(), (to + "/" + name).c_str()) < 0) return fail_errno("take an object");
    return {};
  });
}

Result<std::string> read_file_of(const std::string& from, const std::string& name, std::size_t most) {
  auto top = TRY(host::open_file(from, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  return read_in_tree(top.get(), name, most);
}

std::string find_packed(std::string_view packed, std::string_view ref) {
  for (auto line : split(packed, '\n')) {
    auto at = line.find(' ');
    if (at != line.npos && line.substr(at + 1) == ref && is_object_id(line.substr(0, at)))
      return std::string(line.substr(0, at));
  }
  return "";
}

}  // namespace

Result<> take_objects(const Git& git, const std::string& git_directory, const std::string& from) {
  auto objects = from + "/objects";
  std::vector<std::string> packs;
  auto take_pack = [&](const std::string& path) -> Result<> {
    auto pack = TRY(host::open_file(path, O_RDONLY | O_NOFOLLOW));
    auto taken = git.run({"index-pack", "--stdin"}, {.in_fd = pack.get()});
    if (taken || taken.error().code != ErrorCode::invalid) return taken ? Result<>() : std::unexpected(taken.error());
    return fail(ErrorCode::corrupt, "the guest's git objects are damaged: " + taken.error().message);
  };
  TRY(for_each_name(objects, [&](const std::string& name) -> Result<> {
    if (name.size() != 2 || !is_hex(name)) return {};
    return take_loose(objects + "/" + name, git_directory + "/objects/" + name);
  }));
  TRY(for_each_name(objects + "/pack", [&](const std::string& name) -> Result<> {
    auto path = objects + "/pack/" + name;
    if (name.ends_with(".pack") && is_file(path)) packs.push_back(std::move(path));
    return {};
  }));
  if (packs.size() > limits::kGuestPacks)
    return fail(ErrorCode::exhausted, fmt::format("the guest's repository has {} packs", packs.size()),
                "run 'git gc' in the guest");
  for (const auto& path : packs) TRY(take_pack(path));
  return {};
}

Result<GuestHead> head_of(const std::string& from) {
  auto text = read_file_of(from, "HEAD", limits::kRefBytes);
  if (!text) return GuestHead{};
  auto head = trim(*text);
  if (is_object_id(head)) return GuestHead{.id = std::string(head), .branch = {}};
  constexpr std::string_view kRef = "ref: ", kHeads = "refs/heads/";
  if (!head.starts_with(kRef)) return GuestHead{};
  auto name = std::string(head.substr(kRef.size()));
  if (!name.starts_with("refs/") || !is_tree_name(name)) return GuestHead{};
  GuestHead found{.id = {}, .branch = name.starts_with(kHeads) ? name.substr(kHeads.size()) : ""};
  if (auto own = read_file_of(from, name, limits::kRefBytes); own && is_object_id(trim(*own)))
    found.id = trim(*own);
  else if (auto packed = read_file_of(from, "packed-refs", limits::kPackedRefsBytes); packed)
    found.id = find_packed(*packed, name);
  return found;
}

Result<> take_shallow(const std::string& git_directory, const std::string& from) {
  auto text = read_file_of(from, "shallow", limits::kPackedRefsBytes);
  if (!text) return {};
  std::string ids;
  for (auto line : split(*text, '\n'))
    if (is_object_id(line)) ids += std::string(line) + "\n";
  return ids.empty() ? Result<>() : host::write_file(git_directory + "/shallow", ids);
}

Result<std::vector<std::string>> names_in_index(const Git& git, const std::string& git_directory,
                                                const std::string& from) {
  auto index = from + "/index", own = git_directory + "/guest-index";
  struct stat info{};
  std::vector<std::string> names;
  if (!is_file(index)) return names;
  if (::stat(index.c_str(), &info) < 0 || static_cast<std::uint64_t>(info.st_size) > limits::kGuestIndexBytes)
    return fail(ErrorCode::corrupt, "the guest's index is too large");
  if (::rename(index.c_str(), own.c_str()) < 0) return fail_errno("take the guest's index");
  auto listed = git.run({"ls-files", "-z"}, {.env = {"GIT_INDEX_FILE=" + own}});
  if (!listed && listed.error().code == ErrorCode::invalid)
    return fail(ErrorCode::corrupt, "the guest's index is damaged: " + listed.error().message);
  if (!listed) return std::unexpected(std::move(listed.error()));
  for (auto name : records_of(*listed)) names.emplace_back(name);
  return names;
}

}  // namespace banger::workspace
