#include "link/fixture.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

namespace banger::link::test {

Ends make_socketpair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return {};
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)); }
UniqueFd duplicate(const UniqueFd& fd) { return duplicate(fd.get()); }

std::string pattern(std::uint64_t from, std::size_t size) {
  // Its length is a prime, so that no buffer's size divides it.
  static const std::string table = [] {
    std::string bytes(999'983, '\0');
    std::uint64_t x = 1;
    for (char& c : bytes) c = static_cast<char>((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
    return bytes;
  }();
  std::string bytes;
  bytes.reserve(size);
  while (bytes.size() < size) bytes.append(table, (from + bytes.size()) % table.size(), size - bytes.size());
  return bytes;
}

void Tally::add(std::string_view bytes) {
  exact_ = exact_ && bytes == pattern(bytes_, bytes.size());
  bytes_ += bytes.size();
}
std::string Tally::text() const { return fmt::format("{{\"bytes\":{},\"pattern\":{}}}", bytes_, exact_); }

namespace {

using StreamPtr = std::shared_ptr<ServerStream>;
using LogPtr = std::shared_ptr<GuestLog>;

Task<Result<>> echo(StreamPtr stream) {
  CO_TRY(co_await stream->respond(200));
  for (;;) {
    auto bytes = CO_TRY(co_await stream->read());
    if (bytes.empty()) break;
    CO_TRY(co_await stream->write(std::move(bytes)));
  }
  co_return co_await stream->finish();
}

Task<Result<>> sink(StreamPtr stream) {
  Tally tally;
  for (;;) {
    auto bytes = CO_TRY(co_await stream->read());
    if (bytes.empty()) break;
    tally.add(bytes);
  }
  co_return co_await stream->reply_json(200, tally.text());
}

Task<Result<>> source(StreamPtr stream, LogPtr log) {
  auto left = std::stoull(stream->query("bytes").value_or("0"));
  CO_TRY(co_await stream->respond(200));
  for (std::uint64_t at = 0; left > 0;) {
    auto part = std::min<std::uint64_t>(left, 60'000);
    CO_TRY(co_await stream->write(pattern(at, part)));
    at += part;
    left -= part;
    log->written += part;
    log->changed.notify_all();
  }
  co_return co_await stream->finish();
}

Task<Result<>> answer(StreamPtr stream, LogPtr log) {
  if (stream->method() == "CONNECT" || stream->path() == "/echo") co_return co_await echo(stream);
  if (stream->path() == "/sink") co_return co_await sink(stream);
  if (stream->path() == "/source") co_return co_await source(stream, log);
  if (stream->path() == "/hello")
    co_return co_await stream->reply_json(200, "hello " + stream->query("name").value_or("you"));
  if (stream->path() == "/early") co_return co_await stream->reply_json(200, "enough");
  if (stream->path() == "/refuse") {
    Error error{.code = ErrorCode::denied, .message = "no \x1b[31mway", .hint = "try root"};
    co_return co_await stream->reply_error(error);
  }
  if (stream->path() == "/hold") {
    while (!log->released) co_await log->go.wait();
    co_return co_await sink(stream);
  }
  if (stream->path() == "/silent") {
    CO_TRY(co_await stream->read());
    while (!log->released) co_await log->go.wait();
  }
  if (stream->path() == "/drop") co_return Result<>();
  Error error{.code = ErrorCode::not_found, .message = "no such thing"};
  co_return co_await stream->reply_error(error);
}

}  // namespace

Handler make_guest(LogPtr log) {
  return [log](StreamPtr stream) -> Task<> {
    auto mine = log;
    ++mine->handlers;
    mine->changed.notify_all();
    auto result = co_await answer(std::move(stream), mine);
    --mine->handlers;
    if (!result) mine->last_error = to_string(result.error().code);
    mine->changed.notify_all();
  };
}

Task<> serve(std::shared_ptr<Server> server) { (void)co_await server->serve(); }

std::shared_ptr<Server> start_guest(host::Runtime& runtime, UniqueFd channel, LogPtr log) {
  std::shared_ptr<Server> server = make_server(runtime, std::move(channel), kToken, make_guest(std::move(log)));
  runtime.spawn(serve(server));
  return server;
}

}  // namespace banger::link::test
