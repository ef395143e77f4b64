#include "roles/cli/copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/bounds.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/cli/fields.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

constexpr std::size_t kPipeBytes = 1 * limits::kMiB;

// A directory of ours that goes with everything in it.
class TempDir {
 public:
  static Result<TempDir> make(const std::string& parent) {
    std::string path = parent + "/.banger-cp-XXXXXX";
    if (!::mkdtemp(path.data())) return fail_errno(parent);
    return TempDir(std::move(path));
  }
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir() {
    if (!path_.empty()) (void)host::remove_tree(path_);
  }
  const std::string& path() const { return path_; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Runs blocking `work` on a thread; an interrupt shuts its socket down, which ends it.
Result<> transfer(const Signals& signals, int socket, const std::function<Result<>()>& work) {
  UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  Result<> result;
  std::jthread worker([&] {
    result = work();
    ::eventfd_write(done.get(), 1);
  });
  bool interrupted = false;
  for (;;) {
    pollfd waiting[2] = {{done.get(), POLLIN, 0}, {interrupted ? -1 : signals.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) interrupted = true;
    if (waiting[1].revents) interrupted = true;
    if (interrupted) ::shutdown(socket, SHUT_RDWR);
    if (waiting[0].revents) break;
  }
  worker.join();
  return interrupted ? fail(ErrorCode::cancelled, "interrupted") : std::move(result);
}

// The daemon's one line after an upload: {"ok": true} or {"error": {…}}.
Result<> read_verdict(int socket, std::string line) {
  while (line.find('\n') == line.npos) {
    char chunk[4096];
    auto count = ::read(socket, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || line.size() > limits::kRpcMessageBytes)
      return fail(ErrorCode::unavailable, "the connection was lost before the copy was done", "see 'banger vm list'");
    line.append(chunk, static_cast<std::size_t>(count));
  }
  auto verdict = TRY(in("the daemon's answer", parse_json(line.substr(0, line.find('\n')), limits::kRpcMessageBytes)));
  if (flag_of(verdict, "ok")) return {};
  Json error = verdict.is_object() ? verdict.value("error", Json::object()) : Json::object();
  return fail(error_code_from_string(text_of(error, "code")), text_of(error, "message"), text_of(error, "hint"));
}

Result<> send_tree(const std::string& path, const std::string& name, int socket, std::string first_bytes) {
  auto packed = tar::pack_tree(path, name, socket);
  if (!packed) {
    // A peer that stopped reading has said why.
    int error = packed.error().sys_errno;
    if (error != EPIPE && error != ECONNRESET) return packed;
    auto verdict = read_verdict(socket, std::move(first_bytes));
    return verdict || verdict.error().code == ErrorCode::unavailable ? packed : verdict;
  }
  ::shutdown(socket, SHUT_WR);
  return read_verdict(socket, std::move(first_bytes));
}

// What was read with the answer already, then the rest of the socket.
void pump(int socket, const std::string& first_bytes, UniqueFd pipe) {
  if (!host::write_all(pipe.get(), first_bytes)) return;
  for (;;) {
    auto count = ::splice(socket, nullptr, pipe.get(), nullptr, kPipeBytes, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) return;
  }
}

Result<> receive_tree(int socket, const std::string& first_bytes, const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  (void)::fcntl(reader.get(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  std::jthread pumping([&, fd = std::move(writer)]() mutable { pump(socket, first_bytes, std::move(fd)); });
  auto unpacked = tar::unpack_tree(reader.get(), directory, {});
  reader.reset();  // so that a pump with more to write ends
  ::shutdown(socket, SHUT_RDWR);
  return unpacked;
}

Result<> upload(Io& io, const std::string& path, const std::string& vm, const Landing& landing) {
  auto daemon = TRY(Daemon::connect(io));
  // With "/." a symlink to a directory is one.
  auto stream = TRY(daemon.open_stream("vm.put_files", {{"vm", vm}, {"path", landing.directory + "/."}}));
  int socket = stream.socket.get();
  return transfer(daemon.signals(), socket,
                  [&] { return send_tree(path, landing.name, socket, std::move(stream.first_bytes)); });
}

// Gives the path of what arrived inside `directory`: only what was asked for is taken, whatever else the guest sent.
Result<std::string> download(Io& io, const CopyPath& source, const std::string& directory) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(daemon.open_stream("vm.get_files", {{"vm", source.vm}, {"path", source.path}}));
  int socket = stream.socket.get();
  TRY(transfer(daemon.signals(), socket, [&] { return receive_tree(socket, stream.first_bytes, directory); }));
  auto path = directory + "/" + source.name();
  if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(ErrorCode::corrupt, fmt::format("the guest did not send {}", source.text()));
  return path;
}

Result<Found> find_local(const CopyPath& path, bool follow) {
  struct stat info{};
  if (follow && ::stat(path.path.c_str(), &info) == 0) return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
  if (::lstat(path.path.c_str(), &info) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Found::nothing;
    return fail_errno(path.text());
  }
  return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
}

Result<Found> find_in_guest(Io& io, const CopyPath& path) {
  auto daemon = TRY(Daemon::connect(io));
  auto ask = [&](const std::string& where) { return daemon.call("vm.stat_file", {{"vm", path.vm}, {"path", where}}); };
  auto info = TRY(ask(path.path));
  if (!flag_of(info, "exists")) return Found::nothing;
  if (text_of(info, "type") == "symlink") {
    auto behind = ask(path.path + "/.");
    return behind && flag_of(*behind, "exists") && text_of(*behind, "type") == "directory" ? Found::directory
                                                                                           : Found::file;
  }
  return text_of(info, "type") == "directory" ? Found::directory : Found::file;
}

// Absolute and without "..", so that every name is one; a source that must be a directory is looked at behind its
// symlink.
Result<CopyPath> settle(CopyPath path, bool is_source) {
  std::error_code error;
  if (path.vm.empty()) {
    if (is_source && path.directory)
      path.path = std::filesystem::canonical(path.path, error).string();
    else
      path.path = std::filesystem::absolute(path.path, error).lexically_normal().string();
    if (error) return fail_errno(path.text(), error.value());
  } else {
    path.path = std::filesystem::path(path.path).lexically_normal().string();
  }
  while (path.path.size() > 1 && path.path.ends_with('/')) path.path.pop_back();
  return path;
}

Result<> copy_one(Io& io, const CopyPath& from, const CopyPath& target, Found target_is, bool several) {
  auto source = TRY(settle(from, true));
  auto source_is = TRY(source.vm.empty() ? find_local(source, false) : find_in_guest(io, source));
  auto landing = TRY(landing_of(source, source_is, target, target_is, several));
  if (landing.name.empty() || source.name().empty())
    return fail(ErrorCode::invalid, fmt::format("cannot copy {} to {}: one of them is the whole file system",
                                                source.text(), target.text()));
  if (source.vm.empty()) return upload(io, source.path, target.vm, landing);
  if (target.vm.empty()) {
    auto temp = TRY(TempDir::make(landing.directory));
    return merge_move(TRY(download(io, source, temp.path())), landing.directory + "/" + landing.name);
  }
  // Between VMs through a directory of ours: one guest's archive must not choose names in another.
  auto cache = TRY(host::find_paths(io.env)).cache;
  TRY(host::make_directories(cache, 0700));
  auto temp = TRY(TempDir::make(cache));
  return upload(io, TRY(download(io, source, temp.path())), target.vm, landing);
}

Result<> rename_over(const std::string& from, const std::string& to, const struct stat& info) {
  // A directory we may not write to cannot be moved either: its ".." changes.
  bool locked = S_ISDIR(info.st_mode) && !(info.st_mode & S_IWUSR);
  if (locked) (void)::chmod(from.c_str(), info.st_mode | S_IRWXU);
  if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno(to);
  if (locked) (void)::chmod(to.c_str(), info.st_mode & 07777);
  return {};
}

}  // namespace

Result<> merge_move(const std::string& from, const std::string& to) {
  struct stat ours{}, theirs{};
  if (::lstat(from.c_str(), &ours) < 0) return fail_errno(from);
  bool taken = ::lstat(to.c_str(), &theirs) == 0;
  if (!taken || (!S_ISDIR(ours.st_mode) && !S_ISDIR(theirs.st_mode))) return rename_over(from, to, ours);
  if (!S_ISDIR(ours.st_mode))
    return fail(ErrorCode::exists, fmt::format("{} is a directory and the file would replace it", to));
  if (!S_ISDIR(theirs.st_mode))
    return fail(ErrorCode::exists, fmt::format("{} is no directory and a directory would replace it", to));
  (void)::chmod(from.c_str(), ours.st_mode | S_IRWXU);
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(from, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  if (error) return fail_errno(from, error.value());
  for (const auto& name : names) TRY(merge_move(from + "/" + name, to + "/" + name));
  return {};
}

Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& to) {
  auto target = TRY(settle(to, false));
  auto target_is = TRY(target.vm.empty() ? find_local(target, true) : find_in_guest(io, target));
  for (const auto& source : sources)
    TRY(in(fmt::format("copy {} to {}", source.text(), to.text()),
           copy_one(io, source, target, target_is, sources.size() > 1)));
  return {};
}

}  // namespace banger::roles::cli
