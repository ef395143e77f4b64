#include "machine/qemu/qmp.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/unix_socket.h"
#include "machine/qemu/bounds.h"

namespace banger::machine::qemu {

namespace {
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
}

// Shared with the reading coroutine, which outlives the Qmp until it notices the closed socket.
struct Qmp::Connection {
  Connection(host::Runtime& runtime, OnEvent handler)
      : socket(runtime.io()), on_event(std::move(handler)), changed(runtime) {}

  void close(Error why) {
    if (closed) return;
    closed = std::move(why);
    asio::error_code ignored;
    socket.close(ignored);
    changed.notify_all();
  }
  void take(QmpGreeting) {
    greeted = true;
    changed.notify_all();
  }
  void take(QmpReply reply) {
    // A reply without a waiter belongs to a command after its deadline.
    auto waiting = reply.id ? replies.find(*reply.id) : replies.end();
    if (waiting == replies.end()) return;
    waiting->second = std::move(reply);
    changed.notify_all();
  }
  void take(const QmpEvent& event) {
    if (on_event) on_event(event);
  }
  Result<> take_bytes(std::string_view bytes) {
    lines.add(bytes);
    while (auto line = TRY(lines.next())) {
      auto message = TRY(parse_qmp(*line));
      std::visit([this](auto&& part) { take(std::move(part)); }, std::move(message));
    }
    return {};
  }
  Result<> send(std::string_view line, std::span<const UniqueFd> fds);

  asio::posix::stream_descriptor socket;
  OnEvent on_event;
  host::Event changed;
  LineSplitter lines;
  bool greeted = false, reader_ended = false;
  std::optional<Error> closed;
  std::int64_t next_id = 1;
  std::map<std::int64_t, std::optional<QmpReply>> replies;  // of the commands under way
};

Result<> Qmp::Connection::send(std::string_view line, std::span<const UniqueFd> fds) {
  // Commands are far smaller than the socket's buffer. If one does not fit at once, QEMU has stopped reading, and half
  // a command cannot be taken back.
  auto put = host::send_with_fds(socket.native_handle(), line, fds, MSG_DONTWAIT);
  if (put && *put == line.size()) return {};
  Error why = !put && put.error().sys_errno != EAGAIN
                  ? std::move(put).error().in("QMP")
                  : Error{ErrorCode::unavailable, "QEMU does not read its control socket"};
  close(why);
  return std::unexpected(why);
}

Task<> Qmp::read_loop(std::shared_ptr<Connection> connection) {
  auto buffer = std::make_unique<std::array<char, 16384>>();
  while (!connection->closed) {
    auto [error, got] = co_await connection->socket.async_read_some(asio::buffer(*buffer), use_tuple);
    if (error) {
      connection->close({ErrorCode::unavailable, "QEMU closed its control socket"});
      break;
    }
    auto taken = connection->take_bytes({buffer->data(), got});
    if (!taken)
      connection->close(
          {ErrorCode::unavailable, fmt::format("QEMU's control socket does not speak QMP: {}", taken.error().message)});
  }
  connection->reader_ended = true;
  connection->on_event = nullptr;
  connection->changed.notify_all();
}

Task<Result<std::unique_ptr<Qmp>>> Qmp::open(host::Runtime& runtime, UniqueFd socket, OnEvent on_event,
                                             host::Deadline deadline) {
  auto connection = std::make_shared<Connection>(runtime, std::move(on_event));
  asio::error_code error;
  connection->socket.assign(socket.get(), error);
  if (error) co_return fail_errno("QMP", error.value());
  socket.release();
  std::unique_ptr<Qmp> qmp(new Qmp(connection));
  runtime.spawn(read_loop(connection));
  while (!connection->greeted && !connection->closed)
    if (!co_await connection->changed.wait(deadline))
      co_return fail(ErrorCode::timeout, "QEMU did not greet on its control socket in time");
  if (connection->closed) co_return std::unexpected(*connection->closed);
  CO_TRY(co_await qmp->execute("qmp_capabilities", nullptr, deadline));
  co_return qmp;
}

Qmp::~Qmp() { connection_->close({ErrorCode::cancelled, "the control connection was closed"}); }

Task<Result<Json>> Qmp::execute(std::string command, Json arguments, host::Deadline deadline,
                                std::span<const UniqueFd> fds) {
  auto connection = connection_;  // this object may be destroyed during the wait
  if (connection->closed) co_return std::unexpected(*connection->closed);
  if (connection->replies.size() >= limits::kQmpInFlight)
    co_return fail(ErrorCode::exhausted, fmt::format("QMP {}: too many commands are waiting for QEMU", command));
  auto id = connection->next_id++;
  CO_TRY(in(fmt::format("QMP {}", command), connection->send(qmp_command(command, arguments, id), fds)));
  connection->replies.emplace(id, std::nullopt);
  bool in_time = true;
  while (in_time && !connection->replies[id] && !connection->closed)
    in_time = co_await connection->changed.wait(deadline);
  auto reply = std::move(connection->replies[id]);
  connection->replies.erase(id);
  if (!reply && connection->closed)
    co_return std::unexpected(Error(*connection->closed).in(fmt::format("QMP {}", command)));
  if (!reply) co_return fail(ErrorCode::timeout, fmt::format("QMP {}: QEMU did not answer in time", command));
  if (reply->error) co_return std::unexpected(std::move(*reply->error).in(fmt::format("QMP {}", command)));
  co_return parse_json(reply->value, limits::kQmpLineBytes);
}

bool Qmp::connected() const { return !connection_->closed; }

Task<bool> Qmp::wait_closed(host::Deadline deadline) {
  auto connection = connection_;
  while (!connection->reader_ended)
    if (!co_await connection->changed.wait(deadline)) co_return false;
  co_return true;
}

}  // namespace banger::machine::qemu
