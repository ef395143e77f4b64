#include "workspace/shipment.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <set>

#include "host/digest.h"
#include "host/files.h"
#include "tar/writer.h"
#include "workspace/bounds.h"

namespace banger::workspace {

namespace {

using tar::EntryKind;
using tar::TarEntry;

struct Sent {
  FileState state;
  std::string blob;                 ///< git's id of the content; empty if nobody asks
  std::optional<Stamp> stamp = {};  ///< of a regular file, here
  bool settled = false;             ///< a later change of the file gets another stamp
};

class Writer {
 public:
  Writer(tar::TarWriter& writer, std::string name) : writer_(writer), name_(std::move(name)) {}

  /// What is added from now on gets git's id. That of the commit `base` shows which ids git uses; empty: none.
  void find_ids(std::string_view base) {
    ids_ = !base.empty();
    sha256_ = base.size() == 64;
  }

  /// Adds `path` below the open directory `top` under the name `as`. Its state, or nothing if it cannot be read.
  Result<std::optional<Sent>> add(int top, const std::string& path, const std::string& as) {
    TRY(add_parents(as));
    auto place = open_in_tree(top, path, O_PATH);
    struct stat info{};
    if (!place || ::fstat(place->get(), &info) < 0) return leave_out(as, place ? errno : place.error().sys_errno);
    TarEntry entry{.path = name_ + "/" + as,
                   .kind = EntryKind::file,
                   .mode = info.st_mode & 0777,
                   .mtime = {info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec)}};
    if (S_ISLNK(info.st_mode)) return add_link(place->get(), std::move(entry));
    if (!S_ISREG(info.st_mode)) return leave_out(as, EINVAL);
    auto file = open_in_tree(top, path, O_RDONLY);
    if (!file || ::fstat(file->get(), &info) < 0) return leave_out(as, file ? errno : file.error().sys_errno);
    entry.size = info.st_size;
    auto now = stamp_clock();
    auto stamp = Stamp::of(info);
    auto sent = TRY(add_content(file->get(), entry));
    if (!sent) return std::nullopt;
    sent->stamp = stamp;
    sent->settled = ::fstat(file->get(), &info) == 0 && Stamp::of(info) == stamp && stamp.is_settled(now);
    return sent;
  }

  Result<> add_text(const std::string& as, const std::string& text) {
    TRY(add_parents(as));
    TRY(writer_.add({.path = name_ + "/" + as,
                     .kind = EntryKind::file,
                     .mode = 0644,
                     .mtime = now_,
                     .size = static_cast<std::int64_t>(text.size())}));
    return writer_.write(text);
  }

  Result<> add_directories(const std::string& as) {
    TRY(add_parents(as));
    return add_directory(as);
  }

  Result<> add_directory(const std::string& as) {
    if (!directories_.insert(as).second) return {};
    return writer_.add(
        {.path = as.empty() ? name_ : name_ + "/" + as, .kind = EntryKind::directory, .mode = 0755, .mtime = now_});
  }

 private:
  Result<std::optional<Sent>> leave_out(const std::string& as, int error) {
    TRY(writer_.leave_out(name_ + "/" + as, error == EINVAL ? "it is no regular file" : ::strerror(error)));
    return std::nullopt;
  }

  Result<> add_parents(const std::string& as) {
    TRY(add_directory(""));
    for (auto at = as.find('/'); at != as.npos; at = as.find('/', at + 1)) TRY(add_directory(as.substr(0, at)));
    return {};
  }

  Result<std::optional<Sent>> add_link(int link, TarEntry entry) {
    entry.kind = EntryKind::symlink;
    entry.target = TRY(target_of(link));
    TRY(writer_.add(entry));
    Sent sent{.state = {.link = true, .hash = host::sha256_hex(entry.target)}, .blob = {}};
    if (auto id = new_id(entry.target.size())) {
      id->add(entry.target);
      sent.blob = id->finish();
    }
    return sent;
  }

  std::optional<BlobId> new_id(std::uint64_t bytes) const {
    return ids_ ? std::optional(BlobId(bytes, sha256_)) : std::nullopt;
  }

  /// A tar needs the size before the content. A file that grows meanwhile is cut there, and the hash is that of the
  /// part that was sent.
  Result<std::optional<Sent>> add_content(int file, const TarEntry& entry) {
    TRY(writer_.add(entry));
    host::Sha256 hash;
    auto id = new_id(static_cast<std::uint64_t>(entry.size));
    std::string buffer(limits::kTreeReadBytes, '\0');
    for (auto rest = static_cast<std::uint64_t>(entry.size); rest > 0;) {
      auto count = ::read(file, buffer.data(), std::min<std::uint64_t>(rest, buffer.size()));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        TRY(writer_.write_zeros(rest));
        TRY(writer_.leave_out(entry.path, count < 0 ? ::strerror(errno) : "it became shorter while it was read"));
        return std::nullopt;
      }
      auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(count));
      hash.add(piece);
      if (id) id->add(piece);
      TRY(writer_.write(piece));
      rest -= piece.size();
    }
    return Sent{.state = {.executable = (entry.mode & S_IXUSR) != 0, .hash = hash.finish()},
                .blob = id ? id->finish() : ""};
  }

  tar::TarWriter& writer_;
  std::string name_;
  bool ids_ = false, sha256_ = false;
  std::set<std::string> directories_;
  tar::EntryTime now_{.seconds = std::time(nullptr)};
};

Result<UniqueFd> open_directory(const std::string& path) {
  if (path.empty()) return UniqueFd();
  return host::open_file(path, O_PATH | O_DIRECTORY);
}

// `as` is empty, or the path of a submodule and a slash.
Result<> add_git_directory(Writer& writer, const std::string& path, const std::string& as) {
  namespace fs = std::filesystem;
  auto top = TRY(open_directory(path));
  TRY(writer.add_directory(""));
  TRY(writer.add_directory(as + ".git"));
  std::error_code error;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    auto name = at->path().lexically_relative(path).string();
    if (at->is_directory())
      TRY(writer.add_directory(as + ".git/" + name));
    else if (!TRY(writer.add(top.get(), name, as + ".git/" + name)))
      return fail(ErrorCode::internal, "a file of the new git directory cannot be read");
  }
  return error ? Result<>(fail_errno(path, error.value())) : Result<>();
}

Result<> write_members(Writer& writer, Shipment& shipment) {
  if (!shipment.git_directory.empty()) TRY(add_git_directory(writer, shipment.git_directory, ""));
  for (const auto& path : shipment.directories) TRY(writer.add_directories(path));
  for (const auto& [path, git] : shipment.inner) TRY(add_git_directory(writer, git, path + "/"));
  auto tree = TRY(open_directory(shipment.tree)), files = TRY(open_directory(shipment.files));
  writer.find_ids(shipment.manifest.base);
  std::vector<SeenFile> there;
  std::uint64_t bytes = 0;
  for (const auto* file : shipment.send) {
    bool by_git = file->content == Content::git;
    auto sent = TRY(writer.add(by_git ? files.get() : tree.get(), file->path, file->path));
    shipment.manifest.files.erase(file->path);
    if (!sent) continue;
    shipment.manifest.files.emplace(file->path, sent->state);
    if (!sent->blob.empty()) shipment.blobs.add(sent->blob, sent->state.hash);
    if (!sent->stamp) continue;
    bytes += sent->stamp->size;
    Stamp stamp{.size = sent->stamp->size, .modified = sent->stamp->modified};
    there.push_back({.path = file->path, .stamp = stamp, .state = sent->state});
    if (sent->settled && !by_git) shipment.known.push_back({file->path, *sent->stamp, sent->state});
  }
  if (bytes >= limits::kConfirmFromBytes) {
    auto list = seen_text(std::move(there));
    shipment.to_confirm = list.size() <= limits::kTreeReportBytes;
    if (shipment.to_confirm) TRY(writer.add_text(std::string(kSentName), list));
  }
  return writer.add_text(std::string(kManifestName), shipment.manifest.text());
}

}  // namespace

Result<> write_shipment(Shipment& shipment, int tar_fd) {
  auto writer = TRY(tar::TarWriter::open(tar_fd, shipment.written));
  Writer members(writer, shipment.name);
  if (auto written = write_members(members, shipment); !written) {
    writer.break_off(written.error().sentence());
    return written;
  }
  return writer.finish();
}

}  // namespace banger::workspace
