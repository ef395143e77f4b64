// Sends any bytes to a real server and a real client over a socketpair while handlers and requests run. Then everything
// is destroyed in the middle. The first byte selects the end and how much of a handshake comes first, the second byte
// selects the cuts.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "link/link.h"

// After a standard header: Asio looks for libstdc++'s macros to choose its allocator, and all files must choose alike.
#include <asio/io_context.hpp>

using namespace banger;
using namespace banger::link;

namespace {

const std::string kToken = "0123456789abcdef";
const std::string kFresh = "fresh nonce here";
const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string kSettings("\0\0\0\4\0\0\0\0\0", 9);

struct Pair {
  Pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) std::abort();
    ours = UniqueFd(fds[0]);
    theirs = UniqueFd(fds[1]);
  }
  UniqueFd ours, theirs;
};

/// Runs all handlers that need not wait; returns the bytes that were sent to this end.
std::string settle(host::Runtime& runtime, int fd) {
  std::string heard;
  char buffer[65'536];
  for (;;) {
    auto ran = runtime.io().poll();
    auto got = ::read(fd, buffer, sizeof buffer);
    if (got > 0) heard.append(buffer, static_cast<std::size_t>(got));
    if (ran == 0 && got <= 0) return heard;
  }
}

void say(host::Runtime& runtime, int fd, std::string_view bytes, std::size_t step) {
  for (; !bytes.empty(); settle(runtime, fd)) {
    auto sent = ::send(fd, bytes.data(), std::min(step, bytes.size()), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

Task<> handle(std::shared_ptr<ServerStream> stream) {
  (void)stream->query("path");
  (void)stream->header("x");
  if (stream->path() == "/") {
    auto body = co_await stream->body(1000);
    if (body)
      (void)co_await stream->reply_json(200, *body);
    else
      (void)co_await stream->reply_error(body.error());
    co_return;
  }
  if (!co_await stream->respond(200)) co_return;
  for (;;) {
    auto bytes = co_await stream->read();
    if (!bytes || bytes->empty()) break;
    if (!co_await stream->write(std::move(*bytes))) break;
  }
  (void)co_await stream->finish();
}

Task<> serve(Server* server) { (void)co_await server->serve(); }

void at_server(std::string_view bytes, bool greeted, std::size_t step) {
  host::Runtime runtime(1);
  Pair pair;
  auto server = make_server(runtime, std::move(pair.theirs), kToken, handle);
  runtime.spawn(serve(server.get()));
  if (greeted) say(runtime, pair.ours.get(), kToken + "nonce of 16 byte" + kPreface + kSettings, SIZE_MAX);
  say(runtime, pair.ours.get(), bytes, step);
  // After any bytes, a new host must be answered. The padding completes a nonce that may have been cut short.
  if (bytes.find(kFresh) != std::string_view::npos) return;  // not new, then
  auto hello = kToken + kFresh;
  (void)settle(runtime, pair.ours.get());
  auto padded = std::string(16, 'p') + hello;
  (void)!::write(pair.ours.get(), padded.data(), padded.size());
  if (settle(runtime, pair.ours.get()).find(hello) == std::string::npos) std::abort();
}

Task<> ask(std::shared_ptr<Client> client) {
  (void)co_await client->call("POST", "/ask", "{}", host::after(std::chrono::seconds(20)));
}

Task<> stream_up(std::shared_ptr<Client> client) {
  auto stream = co_await client->open({.method = "POST", .path = "/stream"});
  if (!stream) co_return;
  (void)co_await (*stream)->status(host::after(std::chrono::seconds(20)));
  for (int i = 0; i < 100; ++i)
    if (!co_await (*stream)->write(std::string(30'000, 'x'))) break;
}

Task<> stream_down(std::shared_ptr<Client> client) {
  auto stream = co_await client->open({.method = "GET", .path = "/stream"});
  if (!stream) co_return;
  for (auto part = co_await (*stream)->read(); part && !part->empty();) part = co_await (*stream)->read();
}

Task<> be_client(host::Runtime* runtime, UniqueFd fd) {
  auto client = co_await connect(*runtime, std::move(fd), kToken, host::after(std::chrono::seconds(20)));
  if (!client) co_return;
  runtime->spawn(ask(*client));
  runtime->spawn(stream_up(*client));
  runtime->spawn(stream_down(*client));
  co_await (*client)->closed();
}

void at_client(std::string_view bytes, bool greeted, std::size_t step) {
  host::Runtime runtime(1);
  Pair pair;
  runtime.spawn(be_client(&runtime, std::move(pair.theirs)));
  auto hello = settle(runtime, pair.ours.get());
  if (!hello.starts_with(kToken)) std::abort();
  if (greeted) say(runtime, pair.ours.get(), hello + kSettings, SIZE_MAX);
  say(runtime, pair.ours.get(), bytes, step);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::size_t step = data[1] == 0 ? SIZE_MAX : data[1];
  bool greeted = data[0] & 2;
  if (data[0] & 1)
    at_client(bytes, greeted, step);
  else
    at_server(bytes, greeted, step);
  return 0;
}
