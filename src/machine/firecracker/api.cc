#include "machine/firecracker/api.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "machine/connect.h"

namespace banger::machine::firecracker {

namespace {

using namespace std::chrono_literals;

Result<> send_whole(int socket, std::string_view bytes) {
  // In one piece: a request is far smaller than the socket's buffer. If it does not fit, Firecracker does not read.
  ssize_t put = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (put == static_cast<ssize_t>(bytes.size())) return {};
  if (put < 0 && errno != EAGAIN) return fail_errno("Firecracker's API");
  return fail(ErrorCode::unavailable, "Firecracker does not read its API socket");
}

// Moves the available bytes into the parser. A broken connection counts as an ended one.
void receive(int socket, ReplyParser& parser) {
  std::array<char, 16384> buffer;
  ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0)
    parser.add({buffer.data(), static_cast<std::size_t>(got)});
  else if (got == 0 || (errno != EAGAIN && errno != EINTR))
    parser.end();
}

}  // namespace

Task<Result<ApiReply>> ask(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                           host::Deadline deadline) {
  auto bytes = CO_TRY(to_bytes(request));
  auto socket = CO_TRY(connect_now(directory, name));
  CO_TRY(send_whole(socket.get(), bytes));
  ReplyParser parser;
  for (;;) {
    if (auto reply = CO_TRY(parser.next())) co_return std::move(*reply);
    if (!CO_TRY(co_await host::wait_readable(runtime, socket.get(), deadline)))
      co_return fail(ErrorCode::timeout, "Firecracker did not answer in time");
    receive(socket.get(), parser);
  }
}

Task<Result<std::string>> call(host::Runtime& runtime, std::string directory, std::string_view name, ApiRequest request,
                               host::Deadline deadline) {
  auto what = fmt::format("{} {}", request.method, request.path);
  auto reply = CO_TRY(in(what, co_await ask(runtime, std::move(directory), name, std::move(request), deadline)));
  if (reply.status >= 400) co_return std::unexpected(error_of(reply).in(what));
  co_return std::move(reply.body);
}

}  // namespace banger::machine::firecracker
