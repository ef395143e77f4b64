#include "workspace/stat_cache.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"

namespace banger::workspace {

namespace {

constexpr std::string_view kFirst = "banger seen 1\n";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kHash = 64;  // hexadecimal digits

// One record is a Head, the hash, and the path. Only the same machine reads it, so numbers are as in memory.
struct Head {
  std::uint64_t size, inode;
  std::int64_t modified, changed;
  std::uint32_t path_bytes, executable;
};

std::int64_t nanoseconds(const struct timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

}  // namespace

Stamp Stamp::of(const struct stat& info) {
  return {.size = static_cast<std::uint64_t>(info.st_size),
          .inode = info.st_ino,
          .modified = nanoseconds(info.st_mtim),
          .changed = nanoseconds(info.st_ctim)};
}

bool Stamp::is_settled(std::int64_t now) const {
  // File systems without nanoseconds have seconds, or two of them.
  auto pace = changed % kSecond == 0 ? limits::kCoarseStampPace : limits::kStampPace;
  return changed + std::chrono::nanoseconds(pace).count() <= now;
}

std::int64_t stamp_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

SeenText::SeenText() : text_(kFirst) {}

void SeenText::add(std::string_view path, const Stamp& stamp, const FileState& state) {
  Head head{.size = stamp.size,
            .inode = stamp.inode,
            .modified = stamp.modified,
            .changed = stamp.changed,
            .path_bytes = static_cast<std::uint32_t>(path.size()),
            .executable = state.executable};
  text_.append(reinterpret_cast<const char*>(&head), sizeof head);
  text_ += state.hash;
  text_ += path;
}

std::string seen_text(std::vector<SeenFile> files) {
  std::ranges::sort(files, {}, &SeenFile::path);
  SeenText text;
  for (const auto& file : files) text.add(file.path, file.stamp, file.state);
  return text.text();
}

SeenReader::SeenReader(std::string_view text) : rest_(text) {
  if (rest_.starts_with(kFirst))
    rest_.remove_prefix(kFirst.size());
  else
    rest_ = {};
}

std::optional<SeenFile> SeenReader::next() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  Head head;
  if (rest_.size() < sizeof head + kHash) return std::nullopt;
  std::memcpy(&head, rest_.data(), sizeof head);
  auto body = rest_.substr(sizeof head);
  if (head.path_bytes > limits::kPathBytes || body.size() < kHash + head.path_bytes) return std::nullopt;
  SeenFile file{.path = std::string(body.substr(kHash, head.path_bytes)),
                .stamp = {head.size, head.inode, head.modified, head.changed},
                .state = {.executable = head.executable != 0, .hash = std::string(body.substr(0, kHash))}};
  rest_ = body.substr(kHash + head.path_bytes);
  return file;
}

std::optional<SeenFile> SeenReader::find(std::string_view path) {
  while (auto file = next()) {
    if (file->path == path) return file;
    if (file->path > path) {
      ahead_ = std::move(file);
      break;
    }
  }
  return std::nullopt;
}

Result<DirectoryCursor::Place> DirectoryCursor::find(const std::string& path) {
  auto slash = path.rfind('/');
  auto directory = slash == path.npos ? std::string() : path.substr(0, slash);
  if (!at_ || *at_ != directory) {
    at_.reset();
    directory_ = TRY(open_in_tree(top_, directory.empty() ? "." : directory, O_PATH));
    at_ = directory;
  }
  return Place{directory_.get(), path.substr(slash + 1)};
}

Result<FileState> StatCache::state_of(const std::string& path) {
  auto place = TRY(cursor_.find(path));
  struct stat info{};
  if (::fstatat(place.directory, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno(printable(path));
  if (S_ISREG(info.st_mode)) return read(place, path, info);
  if (!S_ISLNK(info.st_mode)) return fail(ErrorCode::invalid, printable(path) + " is no regular file");
  auto link = TRY(open_in_tree(place.directory, place.name, O_PATH));
  return FileState{.link = true, .hash = host::sha256_hex(TRY(target_of(link.get())))};
}

Result<FileState> StatCache::read(const DirectoryCursor::Place& place, const std::string& path,
                                  const struct stat& info) {
  auto stamp = Stamp::of(info);
  auto known = reader_.find(path);
  if (known && known->stamp == stamp) {
    new_.add(path, stamp, known->state);
    return known->state;
  }
  ++read_;
  auto now = stamp_clock();
  auto state = TRY(workspace::state_of(place.directory, place.name));
  struct stat after{};
  bool same = ::fstatat(place.directory, place.name.c_str(), &after, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISREG(after.st_mode) && Stamp::of(after) == stamp;
  if (same && stamp.is_settled(now)) new_.add(path, stamp, state);
  return state;
}

std::string confirm_sent(int top, std::string_view sent, std::string_view before) {
  SeenReader old(before), list(sent);
  SeenText text;
  DirectoryCursor cursor(top);
  auto now = stamp_clock();
  auto kept = old.next();
  auto keep_until = [&](const std::string* path) {
    for (; kept && (!path || kept->path < *path); kept = old.next()) text.add(kept->path, kept->stamp, kept->state);
    if (path && kept && kept->path == *path) kept = old.next();
  };
  while (auto file = list.next()) {
    keep_until(&file->path);
    auto place = cursor.find(file->path);
    struct stat info{};
    if (!place || ::fstatat(place->directory, place->name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
    auto stamp = Stamp::of(info);
    bool same = S_ISREG(info.st_mode) && stamp.size == file->stamp.size && stamp.modified == file->stamp.modified &&
                ((info.st_mode & S_IXUSR) != 0) == file->state.executable;
    if (same && stamp.is_settled(now)) text.add(file->path, stamp, file->state);
  }
  keep_until(nullptr);
  return text.text();
}

}  // namespace banger::workspace
