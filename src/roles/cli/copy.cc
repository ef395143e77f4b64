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

#include "api/objects/file.h"
#include "base/byte_string.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "roles/cli/copy_arrival.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

// Runs blocking `work` on a thread. An interrupt shuts down the socket, and this ends the work.
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

// Reads the line that the daemon sends after an upload.
Result<> read_verdict(int socket, std::string line) {
  while (line.find('\n') == line.npos) {
    char chunk[4096];
    auto count = ::read(socket, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || line.size() > limits::kRpcMessageBytes)
      return fail(ErrorCode::unavailable, "the connection was lost before the copy was complete",
                  "see 'banger vm list'");
    line.append(chunk, static_cast<std::size_t>(count));
  }
  auto verdict = TRY(in("the daemon's answer", parse_json(line.substr(0, line.find('\n')), limits::kRpcMessageBytes)));
  auto result = TRY(in("the daemon's answer", api::read<api::UploadResult>(verdict)));
  if (result.ok.value_or(false)) return {};
  auto error = result.error.value_or(api::ErrorObject{});
  return fail(error_code_from_string(error.code), error.message, error.hint.value_or(""));
}

Result<> send_tree(const std::string& path, const std::string& name, int socket, std::string first_bytes) {
  auto packed = tar::pack_tree(path, name, socket);
  if (!packed) {
    // If the peer stopped reading, its line has the reason.
    int error = packed.error().sys_errno;
    if (error != EPIPE && error != ECONNRESET) return packed;
    auto verdict = read_verdict(socket, std::move(first_bytes));
    return verdict || verdict.error().code == ErrorCode::unavailable ? packed : verdict;
  }
  ::shutdown(socket, SHUT_WR);
  return read_verdict(socket, std::move(first_bytes));
}

// Writes the bytes that came with the answer, then everything else from the socket.
void pump(int socket, const std::string& first_bytes, UniqueFd pipe) {
  if (!host::write_all(pipe.get(), first_bytes)) return;
  for (;;) {
    auto count = ::splice(socket, nullptr, pipe.get(), nullptr, limits::kCopyPipeBytes, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) return;
  }
}

Result<> receive_tree(int socket, const std::string& first_bytes, const std::string& directory) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  (void)::fcntl(reader.get(), F_SETPIPE_SZ, static_cast<int>(limits::kCopyPipeBytes));
  std::jthread pumping([&, fd = std::move(writer)]() mutable { pump(socket, first_bytes, std::move(fd)); });
  auto unpacked = tar::unpack_tree(reader.get(), directory, {});
  reader.reset();  // so that a pump with more to write ends
  ::shutdown(socket, SHUT_RDWR);
  return unpacked;
}

// The path of the source for system calls. With "/." at its end, a symlink to a directory stands for the directory.
std::string path_of(const CopyPath& source) { return source.directory ? source.path + "/." : source.path; }

Result<> upload(Io& io, const std::string& path, const std::string& vm, const Landing& landing) {
  auto daemon = TRY(Daemon::connect(io));
  Json params = {{"vm", vm}, {"path", to_byte_string(landing.directory)}, {"follow_link", landing.named}};
  auto stream = TRY(daemon.open_stream("vm.put_files", params));
  int socket = stream.socket.get();
  return transfer(daemon.signals(), socket,
                  [&] { return send_tree(path, landing.name, socket, std::move(stream.first_bytes)); });
}

// Unpacks into `directory` and returns the path of the source's copy there. The guest may send other names too, and
// they are ignored.
Result<std::string> download(Io& io, const CopyPath& source, const std::string& directory) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(daemon.open_stream("vm.get_files", {{"vm", source.vm}, {"path", to_byte_string(path_of(source))}}));
  int socket = stream.socket.get();
  TRY(transfer(daemon.signals(), socket, [&] { return receive_tree(socket, stream.first_bytes, directory); }));
  auto path = directory + "/" + source.name();
  if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(ErrorCode::corrupt, fmt::format("the guest did not send {}", source.text()));
  return path;
}

// What a symlink counts as: the file behind it, or itself.
enum class Symlinks { follow, keep };

Result<Found> find_local(const CopyPath& path, Symlinks symlinks) {
  struct stat info{};
  if (symlinks == Symlinks::follow && ::stat(path.path.c_str(), &info) == 0)
    return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
  if (::lstat(path.path.c_str(), &info) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Found::nothing;
    return fail_errno(path.text());
  }
  return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
}

Result<Found> find_in_guest(Io& io, const CopyPath& path, Symlinks symlinks) {
  auto daemon = TRY(Daemon::connect(io));
  auto file = TRY(daemon.get<api::FileObject>("vm.stat_file", {{"vm", path.vm}, {"path", to_byte_string(path.path)}}));
  if (!file.exists) return Found::nothing;
  bool behind = symlinks == Symlinks::follow && file.type == "symlink";
  return (behind ? file.target_type : file.type) == "directory" ? Found::directory : Found::file;
}

Result<Found> find(Io& io, const CopyPath& path, Symlinks symlinks) {
  return path.vm.empty() ? find_local(path, symlinks) : find_in_guest(io, path, symlinks);
}

// Makes the path absolute and gives it a name. "." and ".." have a name only in their parent directory.
Result<CopyPath> make_absolute(CopyPath path) {
  std::error_code error;
  bool is_local = path.vm.empty();
  std::filesystem::path full = path.path;
  if (is_local) full = std::filesystem::absolute(full, error);
  bool nameless = full.filename() == "." || full.filename() == "..";
  if (nameless) full = is_local ? std::filesystem::canonical(full, error) : full.lexically_normal();
  if (error) return fail_errno(path.text(), error.value());
  path.path = full.string();
  while (path.path.size() > 1 && path.path.ends_with('/')) path.path.pop_back();
  return path;
}

Result<> copy_one(Io& io, const CopyPath& from, const CopyPath& target, Found target_is, Sources sources) {
  auto source = TRY(make_absolute(from));
  auto source_is = TRY(find(io, source, source.directory ? Symlinks::follow : Symlinks::keep));
  auto landing = TRY(landing_of(source, source_is, target, target_is, sources));
  if (landing.name.empty() || source.name().empty())
    return fail(ErrorCode::invalid, fmt::format("cannot copy {} to {}: one of the paths is the whole file system",
                                                source.text(), target.text()));
  if (source.vm.empty()) return upload(io, path_of(source), target.vm, landing);
  if (target.vm.empty()) {
    auto stage = TRY(stage_for(io, landing));
    auto arrived = TRY(download(io, source, stage.path()));
    return put_in_place(std::move(stage), arrived, landing);
  }
  // A copy between VMs goes through a directory of this host. One guest's archive must not choose names in another
  // guest.
  auto stage = TRY(StageDir::make_in_cache(io));
  return upload(io, TRY(download(io, source, stage.path())), target.vm, landing);
}

}  // namespace

Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& to) {
  auto target = TRY(make_absolute(to));
  auto target_is = TRY(find(io, target, Symlinks::follow));
  for (const auto& source : sources)
    TRY(in(fmt::format("copy {} to {}", source.text(), to.text()),
           copy_one(io, source, target, target_is, sources.size() > 1 ? Sources::several : Sources::one)));
  return {};
}

}  // namespace banger::roles::cli
