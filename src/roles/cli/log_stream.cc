#include "roles/cli/log_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/files.h"
#include "host/log_tail.h"
#include "machine/log_bound.h"
#include "roles/cli/bounds.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

namespace {

// Prints chunks, and filters them if standard output is a terminal.
class Printer {
 public:
  explicit Printer(Io& io) : io_(io), filter_(io.out_is_terminal()) {}
  bool print(std::string_view bytes) {
    io_.print(filter_ ? safe_.feed(bytes) : std::string(bytes));
    return io_.out_errno == 0;
  }

 private:
  Io& io_;
  bool filter_;
  TerminalFilter safe_;
};

}  // namespace

void TerminalFilter::take(char byte, std::string& out) {
  auto code = static_cast<unsigned char>(byte);
  switch (state_) {
    case State::text:
      if (code == 0x1b)
        state_ = State::escape;
      else if (code == 0xc2)
        state_ = State::c1;
      else if (code >= 0x20 ? code != 0x7f : byte == '\n' || byte == '\t' || byte == '\r')
        out += byte;
      return;
    case State::c1:  // U+0080 to U+009F are control characters
      if (code >= 0xa0) out += {'\xc2', byte};
      state_ = State::text;
      return;
    case State::escape:
      if (code >= 0x20 && code <= 0x2f) return;  // intermediate bytes, as in the choice of a character set
      pending_.clear();
      state_ = byte == '['                                                               ? State::sequence
               : byte == ']' || byte == 'P' || byte == '_' || byte == '^' || byte == 'X' ? State::string
                                                                                         : State::text;
      return;
    case State::sequence:
      if (code >= 0x40 && code <= 0x7e) {
        if (byte == 'm' && pending_.size() < limits::kColourSequenceBytes) out += "\033[" + pending_ + "m";
        state_ = State::text;
      } else if (((byte < '0' || byte > '9') && byte != ';' && byte != ':') ||
                 pending_.size() >= limits::kColourSequenceBytes) {
        // This sequence is not a colour, so it is dropped up to its final byte.
        pending_.assign(limits::kColourSequenceBytes, '0');
        if (byte == '\n') state_ = State::text;
      } else {
        pending_ += byte;
      }
      return;
    case State::string:
      if (code == 0x1b)
        state_ = State::string_escape;
      else if (code == 0x07 || byte == '\n')
        state_ = State::text;
      return;
    case State::string_escape:
      state_ = State::text;
      return;
  }
}

std::string TerminalFilter::feed(std::string_view bytes) {
  std::string out;
  for (char byte : bytes) take(byte, out);
  return out;
}

Result<StreamEnd> read_stream(Io& io, int socket, const Signals& signals, std::string_view what,
                              const std::function<Result<bool>(std::string_view)>& take) {
  std::string chunk(limits::kLogChunkBytes, '\0');
  while (io.out_errno == 0) {
    // Without events, poll() tells only that the reader is gone.
    pollfd waiting[3] = {{socket, POLLIN, 0}, {signals.fd(), POLLIN, 0}, {io.out, 0, 0}};
    if (::poll(waiting, 3, -1) < 0 && errno != EINTR) return fail_errno(fmt::format("read the {}", what));
    if (waiting[1].revents) return StreamEnd::interrupted;
    if (!waiting[0].revents && !io.has_reader()) break;
    if (!waiting[0].revents) continue;
    auto count = ::read(socket, chunk.data(), chunk.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return fail_errno(fmt::format("read the {}", what));
    if (count == 0) return StreamEnd::ended;
    if (TRY(take({chunk.data(), static_cast<std::size_t>(count)}))) break;
  }
  return StreamEnd::enough;
}

Result<int> copy_log(Io& io, rpc::Client::RawStream stream, const Signals& signals) {
  Printer printer(io);
  printer.print(stream.first_bytes);
  auto print = [&](std::string_view bytes) -> Result<bool> { return !printer.print(bytes); };
  auto end = TRY(read_stream(io, stream.socket.get(), signals, "log", print));
  return end == StreamEnd::interrupted ? exit_status::kInterrupted : exit_status::kOk;
}

Result<int> copy_log_file(Io& io, const std::string& path, std::uint64_t lines, Follow follow) {
  auto file = TRY(host::open_file(path, O_RDONLY));
  auto signals = TRY(Signals::interrupts());
  Printer printer(io);
  // The daemon has removed the beginning of a long log.
  auto from = machine::first_text(file.get(), 0);
  auto at = host::last_lines(file.get(), host::next_line(file.get(), from), lines);
  std::string chunk(limits::kLogChunkBytes, '\0');
  while (io.out_errno == 0) {
    auto count = ::pread(file.get(), chunk.data(), chunk.size(), at);
    if (count < 0) return fail_errno(path);
    at += count;
    if (count > 0) printer.print({chunk.data(), static_cast<std::size_t>(count)});
    if (signals.take()) return exit_status::kInterrupted;
    if (count > 0) continue;
    if (follow == Follow::no || !io.has_reader()) break;
    TRY(signals.wait_for(limits::kLogFollowPoll));
    struct stat now{};
    if (::fstat(file.get(), &now) == 0 && now.st_size < at) at = 0;  // the file was truncated: start again
  }
  return exit_status::kOk;
}

}  // namespace banger::roles::cli
