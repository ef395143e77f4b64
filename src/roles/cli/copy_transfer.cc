#include "roles/cli/copy_transfer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "api/objects/file.h"
#include "base/byte_string.h"
#include "base/text.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "tar/room.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

using Work = std::function<Result<>()>;

// Runs blocking `work` on a thread. An interrupt calls `stop`, which ends the work.
Result<> transfer(const Signals& signals, CopyReport& report, const std::function<void()>& stop, const Work& work) {
  UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  Result<> result;
  std::jthread worker([&] {
    result = work();
    ::eventfd_write(done.get(), 1);
  });
  bool interrupted = false;
  int tick = report.is_live() ? static_cast<int>(limits::kProgressTick.count()) : -1;
  for (;;) {
    pollfd waiting[2] = {{done.get(), POLLIN, 0}, {interrupted ? -1 : signals.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, tick) < 0 && errno != EINTR) interrupted = true;
    if (waiting[1].revents) interrupted = true;
    if (interrupted) stop();
    if (waiting[0].revents) break;
    report.show();
  }
  worker.join();
  return interrupted ? fail(ErrorCode::cancelled, "interrupted") : std::move(result);
}

std::function<void()> shut_down(int socket) {
  return [socket] { ::shutdown(socket, SHUT_RDWR); };
}

// Reads the line that the daemon sends after an upload, and reports what the guest left out.
Result<> read_verdict(int socket, std::string line, CopyReport& report, const tar::LeftOut& left_out) {
  while (line.find('\n') == line.npos) {
    char chunk[4096];
    auto count = ::read(socket, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || line.size() > limits::kRpcMessageBytes)
      return fail(ErrorCode::unavailable, "the daemon went away before the copy was complete",
                  "see why with 'banger daemon logs', then try again");
    line.append(chunk, static_cast<std::size_t>(count));
  }
  auto verdict = TRY(in("the daemon's answer", parse_json(line.substr(0, line.find('\n')), limits::kRpcMessageBytes)));
  auto result = TRY(in("the daemon's answer", api::read<api::UploadResult>(verdict)));
  if (result.left_out)
    for (const auto& [path, reason] : *result.left_out) left_out(path, reason);
  report.leave_out_more(result.left_out_more.value_or(0));
  if (result.ok.value_or(false)) return {};
  auto error = result.error.value_or(api::ErrorObject{});
  return fail(error_code_from_string(error.code), error.message, error.hint.value_or(""));
}

struct Destination {
  std::string vm, directory;
  bool named = false;
  std::string only;  // the first component of all names; "." for any
};

Result<client::Stream> open_upload(Daemon& daemon, const Destination& to, const CopyOptions& options) {
  Json params = {{"vm", to.vm},
                 {"path", to_byte_string(to.directory)},
                 {"follow_link", to.named},
                 {"keep_owner", options.keep_owner},
                 {"replace_attributes", options.replace_attributes}};
  if (to.only != ".") params["only"] = to_byte_string(to.only);
  return daemon.open_stream("vm.put_files", params);
}

Result<client::Stream> open_download(Daemon& daemon, const CopyPath& source, const std::string& name,
                                     const CopyOptions& options) {
  return daemon.open_stream("vm.get_files", {{"vm", source.vm},
                                             {"path", to_byte_string(source.for_system())},
                                             {"name", to_byte_string(name)},
                                             {"follow_links", options.follow_links}});
}

// Sends with `send`, and then reads the guest's verdict.
Result<> send_all(const client::Stream& stream, CopyReport& report, const tar::LeftOut& left_out, const Work& send) {
  int socket = stream.socket.get();
  if (auto sent = send(); !sent) {
    // If the peer stopped reading, its line has the reason. Without a line, the peer is gone.
    int error = sent.error().sys_errno;
    if (error != EPIPE && error != ECONNRESET) return sent;
    auto verdict = read_verdict(socket, stream.first_bytes, report, left_out);
    return verdict ? sent : verdict;
  }
  ::shutdown(socket, SHUT_WR);
  return read_verdict(socket, stream.first_bytes, report, left_out);
}

struct Pipe {
  UniqueFd reader, writer;

  static Result<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
    (void)::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(limits::kCopyPipeBytes));
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

// Writes the bytes that came with the answer, then everything else from the socket.
void pump(const client::Stream& stream, UniqueFd pipe, std::atomic<std::uint64_t>& bytes) {
  if (!host::write_all(pipe.get(), stream.first_bytes)) return;
  for (;;) {
    auto count = ::splice(stream.socket.get(), nullptr, pipe.get(), nullptr, limits::kCopyPipeBytes, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) return;
    if (count > 0) bytes += static_cast<std::uint64_t>(count);
  }
}

// Reads the stream through a pipe, so that `read` gets the bytes that came with the answer too.
Result<> receive(const client::Stream& stream, CopyReport& report, const TarEnd& read) {
  auto pipe = TRY(Pipe::make());
  std::jthread pumping(
      [&, writer = std::move(pipe.writer)]() mutable { pump(stream, std::move(writer), report.bytes()); });
  auto result = read(pipe.reader.get());
  pipe.reader.reset();  // so that a pump with more to write ends
  ::shutdown(stream.socket.get(), SHUT_RDWR);
  return result;
}

// Waits until `fd` is ready for `events`. False when `stop` is readable.
bool wait_for(int fd, short events, int stop) {
  for (;;) {
    pollfd waiting[2] = {{fd, events, 0}, {stop, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return false;
    if (waiting[1].revents) return false;
    if (waiting[0].revents) return true;
  }
}

// From one descriptor to another, until the end of `in` or until `stop` is readable. Never waits for only one of them.
Result<> pump_until(int stop, int in, int out) {
  std::string buffer(limits::kForwardReadBytes, '\0');
  struct stat info{};
  // After poll(2), a pipe has room for so much without a wait.
  std::size_t most = ::fstat(out, &info) == 0 && S_ISREG(info.st_mode) ? buffer.size() : PIPE_BUF;
  while (wait_for(in, POLLIN, stop)) {
    auto count = ::read(in, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read");
    if (count == 0) return {};
    for (auto rest = std::string_view(buffer).substr(0, static_cast<std::size_t>(count)); !rest.empty();) {
      if (!wait_for(out, POLLOUT, stop)) return {};
      auto put = ::write(out, rest.data(), std::min(rest.size(), most));
      if (put < 0 && errno != EINTR) return fail_errno("write");
      rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
    }
  }
  return {};
}

// Standard input reaches the work through a pipe, so that an interrupt ends a wait for it.
Result<> send_input(int input, int stop, int socket, CopyReport& report) {
  auto pipe = TRY(Pipe::make());
  Result<> pumped, sent;
  {
    std::jthread pumping([&, writer = std::move(pipe.writer)]() mutable {
      pumped = pump_until(stop, input, writer.get());
      writer.reset();
    });
    sent = tar::decompress(pipe.reader.get(), socket, &report.bytes());
    pipe.reader.reset();
    if (!sent) ::eventfd_write(stop, 1);
  }
  if (!pumped && pumped.error().sys_errno != EPIPE) return in("standard input", std::move(pumped));
  // A closed standard input is empty too.
  if (sent && report.bytes() == 0)
    return fail(ErrorCode::invalid, "standard input is empty or closed, so there is no tar", "pipe one into it");
  return sent;
}

// The tar reaches standard output through a pipe, so that an interrupt ends a wait for its reader.
Result<> write_output(int from, int out, int stop, const tar::LeftOut& left_out) {
  auto pipe = TRY(Pipe::make());
  Result<> pumped, copied;
  {
    std::jthread pumping([&, reader = std::move(pipe.reader)]() mutable {
      pumped = pump_until(stop, reader.get(), out);
      reader.reset();
    });
    copied = tar::copy_tar(from, pipe.writer.get(), left_out);
    pipe.writer.reset();
  }
  return pumped ? std::move(copied) : in("standard output", std::move(pumped));
}

Result<> pass_bytes(const client::Stream& from, int to, std::atomic<std::uint64_t>& bytes) {
  TRY(host::write_all(to, from.first_bytes));
  std::string buffer(limits::kCopyPipeBytes, '\0');
  for (;;) {
    auto count = ::read(from.socket.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read from the daemon");
    if (count == 0) return {};
    TRY(host::write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(count))));
    bytes += static_cast<std::uint64_t>(count);
  }
}

}  // namespace

Result<> upload_tar(Io& io, const std::string& what, const std::string& vm, const Landing& landing,
                    const CopyOptions& options, CopyReport& report, const TarEnd& write) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(open_upload(daemon, {vm, landing.directory, landing.named, landing.name}, options));
  int socket = stream.socket.get();
  report.begin(what);
  return transfer(daemon.signals(), report, shut_down(socket),
                  [&] { return send_all(stream, report, report.in_archive(what), [&] { return write(socket); }); });
}

Result<> upload(Io& io, const CopyPath& source, const CopyPath& target, const Landing& landing,
                const CopyOptions& options, CopyReport& report) {
  tar::PackOptions pack{.symlinks = options.follow_links ? tar::Symlinks::follow : tar::Symlinks::keep,
                        .written = &report.bytes()};
  return upload_tar(io, source.text(), target.vm, landing, options, report,
                    [&](int fd) { return tar::pack_tree(source.for_system(), landing.name, fd, pack); });
}

Result<> download_tar(Io& io, const CopyPath& source, const std::string& name, const CopyOptions& options,
                      CopyReport& report, const TarEnd& read) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(open_download(daemon, source, name, options));
  // A limit on the size of files (ulimit -f) is then an error of write(2), and the stage is removed.
  ::signal(SIGXFSZ, SIG_IGN);
  report.begin(source.text());
  return transfer(daemon.signals(), report, shut_down(stream.socket.get()),
                  [&] { return receive(stream, report, read); });
}

Result<> download_changes_tar(Io& io, const CopyPath& source, const std::string& names, CopyReport& report,
                              const TarEnd& read) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(daemon.open_stream(
      "vm.report_tree", {{"vm", source.vm}, {"path", to_byte_string(source.for_system())}, {"changes", true}}));
  ::signal(SIGXFSZ, SIG_IGN);
  report.begin(source.text());
  int socket = stream.socket.get();
  return transfer(daemon.signals(), report, shut_down(socket), [&]() -> Result<> {
    TRY(host::write_all(socket, names));
    ::shutdown(socket, SHUT_WR);
    return receive(stream, report, read);
  });
}

Result<> download(Io& io, const CopyPath& source, const std::string& directory, const std::string& name,
                  const CopyOptions& options, CopyReport& report) {
  tar::UnpackOptions unpack{
      .only = name, .reserve_bytes = TRY(tar::reserve_in(directory)), .left_out = report.in_archive(source.text())};
  return download_tar(io, source, name, options, report,
                      [&](int fd) { return tar::unpack_tree(fd, directory, unpack); });
}

Result<> pass_on(Io& io, const CopyPath& source, const CopyPath& target, const Landing& landing,
                 const CopyOptions& options, CopyReport& report) {
  auto sender = TRY(Daemon::connect(io));
  auto receiver = TRY(Daemon::connect(io));
  auto from = TRY(open_download(sender, source, landing.name, options));
  auto to = TRY(open_upload(
      receiver, {target.vm, landing.directory, landing.named, landing.name},
      {.follow_links = options.follow_links, .replace_attributes = options.replace_attributes, .keep_owner = true}));
  auto stop = [&] {
    shut_down(from.socket.get())();
    shut_down(to.socket.get())();
  };
  report.begin(source.text());
  return transfer(receiver.signals(), report, stop, [&] {
    return send_all(to, report, report.in_archive(source.text()),
                    [&] { return pass_bytes(from, to.socket.get(), report.bytes()); });
  });
}

Result<> upload_input(Io& io, const CopyPath& target, const CopyOptions& options, CopyReport& report) {
  auto daemon = TRY(Daemon::connect(io));
  // As with tar, a file in the archive replaces a file that exists.
  CopyOptions as_tar{.replace_attributes = true, .keep_owner = options.keep_owner};
  auto stream = TRY(open_upload(daemon, {target.vm, target.path, false, "."}, as_tar));
  UniqueFd interrupted(::eventfd(0, EFD_CLOEXEC));
  if (!interrupted) return fail_errno("eventfd");
  int socket = stream.socket.get();
  auto stop = [&] {
    ::eventfd_write(interrupted.get(), 1);
    shut_down(socket)();
  };
  report.begin("standard input");
  return transfer(daemon.signals(), report, stop, [&] {
    return send_all(stream, report, report.in_archive(""),
                    [&] { return send_input(io.in, interrupted.get(), socket, report); });
  });
}

Result<> download_to_output(Io& io, const CopyPath& source, const std::string& name, const CopyOptions& options,
                            CopyReport& report) {
  auto daemon = TRY(Daemon::connect(io));
  auto stream = TRY(open_download(daemon, source, name, options));
  UniqueFd interrupted(::eventfd(0, EFD_CLOEXEC));
  if (!interrupted) return fail_errno("eventfd");
  auto stop = [&] {
    ::eventfd_write(interrupted.get(), 1);
    shut_down(stream.socket.get())();
  };
  report.begin(source.text());
  auto written = transfer(daemon.signals(), report, stop, [&] {
    return receive(stream, report, [&](int fd) {
      return write_output(fd, io.out, interrupted.get(), report.in_archive(source.text()));
    });
  });
  if (written || written.error().sys_errno != EPIPE) return written;
  // The reader of standard output has closed it. Only the status tells that, as with every command.
  io.out_errno = EPIPE;
  return {};
}

}  // namespace banger::roles::cli
