#include "roles/agent/routes/transfer.h"

#include <fcntl.h>
#include <unistd.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <nlohmann/json.hpp>

#include "link/bounds.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

struct Transfer::Pipe {
  explicit Pipe(asio::io_context& io) : end(io) {}
  asio::posix::stream_descriptor end;
};

Transfer::Transfer(ContextPtr c, StreamPtr s, Slot taken)
    : context(std::move(c)),
      stream(std::move(s)),
      slot(std::move(taken)),
      pipe(std::make_unique<Pipe>(context->runtime.io())),
      changed(context->runtime) {}
Transfer::~Transfer() = default;

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

Task<> work_on_pool(TransferPtr t, UniqueFd theirs, Work work) {
  auto end = std::make_shared<UniqueFd>(std::move(theirs));
  t->result = co_await t->context->runtime.blocking([end, work] {
    auto result = work(end->get());
    end->reset();
    return result;
  });
  t->changed.notify_all();
}

}  // namespace

Task<Result<Slot>> Slot::take(ContextPtr context) {
  auto deadline = host::after(limits::kFileTransferWait);
  while (context->transfers >= limits::kFileTransfers)
    if (!co_await context->transfer_done.wait(deadline))
      co_return fail(ErrorCode::busy, "too many files are being copied to or from this guest",
                     "try again when they have ended");
  ++context->transfers;
  co_return Slot(std::move(context));
}

Slot::~Slot() {
  if (!context_) return;
  --context_->transfers;
  context_->transfer_done.notify_all();
}

void close(TransferPtr& t) {
  std::error_code ignored;
  t->pipe->end.close(ignored);
}

Task<bool> pass_on(TransferPtr t, std::string bytes) {
  auto [error, put] = co_await asio::async_write(t->pipe->end, asio::buffer(bytes), use_tuple);
  co_return !error;
}

Task<Result<TransferPtr>> start_transfer(ContextPtr context, StreamPtr stream, Direction direction, Work work) {
  auto slot = CO_TRY(co_await Slot::take(context));
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) co_return fail_errno("make a pipe");
  UniqueFd read_end(fds[0]), write_end(fds[1]);
  // For fewer switches between the two sides; the default of 64 KiB works too.
  (void)::fcntl(write_end.get(), F_SETPIPE_SZ, 256 * 1024);
  auto& ours = direction == Direction::in ? write_end : read_end;
  auto& theirs = direction == Direction::in ? read_end : write_end;
  auto t = std::make_shared<Transfer>(context, stream, std::move(slot));
  std::error_code error;
  t->pipe->end.assign(ours.get(), error);
  if (error) co_return fail_errno("watch a pipe", error.value());
  ours.release();
  context->runtime.spawn(work_on_pool(t, std::move(theirs), std::move(work)));
  co_return t;
}

Task<> send_archive(ContextPtr context, StreamPtr stream, std::vector<link::Header> headers, std::string what,
                    Work pack) {
  auto t = co_await start_transfer(context, stream, Direction::out, std::move(pack));
  if (!t) {
    (void)co_await stream->reply_error(t.error());
    co_return;
  }
  headers.push_back({"content-type", "application/x-tar"});
  Result<> sent = co_await stream->respond(200, std::move(headers));
  auto buffer = std::make_unique_for_overwrite<char[]>(limits::kLinkFrameBytes);
  while (sent) {
    auto [error, got] =
        co_await (*t)->pipe->end.async_read_some(asio::buffer(buffer.get(), limits::kLinkFrameBytes), use_tuple);
    if (error) break;
    sent = co_await stream->write(std::string(buffer.get(), got));
  }
  close(*t);
  while (!(*t)->result) co_await (*t)->changed.wait();
  auto packed = *(*t)->result;
  if (!sent) co_return;
  // The head is sent already, so a failure is told at the end of the archive, which has no end marker then.
  if (!packed) context->log().warn("files.incomplete", {{"path", what}, {"error", packed.error().sentence()}});
  (void)co_await stream->finish();
}

}  // namespace banger::roles::agent
