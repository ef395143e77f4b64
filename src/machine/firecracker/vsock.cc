#include "machine/firecracker/vsock.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/text.h"
#include "machine/connect.h"
#include "machine/firecracker/bounds.h"
#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

namespace {

// Firecracker reads the command once, without waiting, so the whole command must be sent at once.
Result<> ask_for_port(int socket, std::uint32_t port) {
  auto command = fmt::format("CONNECT {}\n", port);
  ssize_t put = ::send(socket, command.data(), command.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (put < 0) return fail_errno("vsock");
  if (put != static_cast<ssize_t>(command.size()))
    return fail(ErrorCode::unavailable, "Firecracker does not read its vsock");
  return {};
}

// Reads one byte at a time, because the guest's bytes may follow at once. False: no byte available yet.
Result<bool> read_line(int socket, std::string& line) {
  char byte = 0;
  for (;;) {
    ssize_t got = ::recv(socket, &byte, 1, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) return fail(ErrorCode::unavailable, "the guest does not listen on this port");
    if (byte == '\n') return true;
    line += byte;
    if (line.size() >= limits::kVsockReplyBytes)
      return fail(ErrorCode::invalid, "the answer of Firecracker's vsock is too long");
  }
}

}  // namespace

Task<Result<UniqueFd>> connect_vsock(host::Runtime& runtime, std::string directory, std::uint32_t port,
                                     host::Deadline deadline) {
  auto socket = CO_TRY(connect_now(directory, kVsockSocket));
  CO_TRY(ask_for_port(socket.get(), port));
  std::string line;
  while (!CO_TRY(read_line(socket.get(), line)))
    if (!CO_TRY(co_await host::wait_readable(runtime, socket.get(), deadline)))
      co_return fail(ErrorCode::timeout, "Firecracker did not connect to the guest in time");
  if (!line.starts_with("OK "))
    co_return fail(ErrorCode::invalid, fmt::format("Firecracker's vsock answered '{}'", printable(line)));
  co_return socket;
}

}  // namespace banger::machine::firecracker
