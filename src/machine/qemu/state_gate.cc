#include "machine/qemu/state_gate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "host/files.h"
#include "machine/qemu/bounds.h"

namespace banger::machine::qemu {

namespace {

constexpr std::string_view kHeader("QEVM\0\0\0\3", 8);  // magic and version (QEMU, migration/qemu-file-types.h)

Result<> wait_writable(int pipe) {
  pollfd wanted{pipe, POLLOUT, 0};
  int ready = ::poll(&wanted, 1, static_cast<int>(std::chrono::milliseconds(limits::kStateReadDeadline).count()));
  if (ready < 0 && errno != EINTR) return fail_errno("poll");
  if (ready == 0) return fail(ErrorCode::timeout, "QEMU does not read its saved state");
  return {};
}

}  // namespace

Result<StateGate> StateGate::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  StateGate gate;
  gate.reader_ = UniqueFd(ends[0]);
  gate.writer_ = UniqueFd(ends[1]);
  // Only for our end. QEMU sets the mode of its own end.
  if (::fcntl(gate.writer_.get(), F_SETFL, O_NONBLOCK) < 0) return fail_errno("pipe");
  (void)::fcntl(gate.writer_.get(), F_SETPIPE_SZ, limits::kStatePipeBytes);
  TRY(host::write_all(gate.writer_.get(), kHeader));
  return gate;
}

Result<> StateGate::open(const std::string& devices) {
  auto file = TRY(host::open_file(devices, O_RDONLY));
  std::array<char, kHeader.size()> header;
  if (::read(file.get(), header.data(), header.size()) != static_cast<ssize_t>(header.size()) ||
      std::string_view(header.data(), header.size()) != kHeader)
    return fail(ErrorCode::corrupt, fmt::format("{} is not a saved state of QEMU", devices));
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(devices);
  // Not one byte more, because QEMU closes its end after the last byte.
  for (auto left = info.st_size - static_cast<off_t>(header.size()); left > 0;) {
    ssize_t moved = ::sendfile(writer_.get(), file.get(), nullptr, static_cast<std::size_t>(left));
    if (moved == 0) return fail(ErrorCode::corrupt, fmt::format("{} ends in the middle", devices));
    if (moved > 0)
      left -= moved;
    else if (errno == EPIPE)
      return fail(ErrorCode::unavailable, "QEMU ended before it had read its saved state");
    else if (errno == EAGAIN)
      TRY(wait_writable(writer_.get()));
    else if (errno != EINTR)
      return fail_errno(devices);
  }
  writer_.reset();
  return {};
}

}  // namespace banger::machine::qemu
