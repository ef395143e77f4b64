#include "image/feed.h"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

namespace banger::image {

namespace {
constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
}

struct Feed::Pipe {
  explicit Pipe(asio::io_context& io) : end(io) {}
  asio::posix::stream_descriptor end;
};

Feed::Feed(std::unique_ptr<ByteStream> from) : from_(std::move(from)) {}
Feed::~Feed() = default;

Result<std::shared_ptr<Feed>> Feed::start(host::Runtime& runtime, std::unique_ptr<ByteStream> from, UniqueFd pipe) {
  std::shared_ptr<Feed> feed(new Feed(std::move(from)));
  feed->pipe_ = std::make_unique<Pipe>(runtime.io());
  std::error_code error;
  feed->pipe_->end.assign(pipe.get(), error);
  if (error) return fail_errno("watch a pipe", error.value());
  pipe.release();
  runtime.spawn(run(feed));
  return feed;
}

void Feed::stop(Error error) {
  if (stopped_) return;
  error_ = std::move(error);
  close();
}

void Feed::close() {
  stopped_ = true;
  std::error_code ignored;
  pipe_->end.close(ignored);
  from_.reset();
}

Task<bool> Feed::pass_on() {
  auto bytes = co_await from_->read();
  if (stopped_) co_return false;
  if (!bytes) error_ = std::move(bytes.error());
  if (!bytes || bytes->empty()) co_return false;
  passing_on_ = true;
  auto [failed, put] = co_await asio::async_write(pipe_->end, asio::buffer(*bytes), use_tuple);
  passing_on_ = false;
  last_heard_ = host::Clock::now();
  co_return !failed && !stopped_;  // a reader that gave up knows why
}

Task<> Feed::run(std::shared_ptr<Feed> self) {
  while (co_await self->pass_on()) {
  }
  if (!self->stopped_) self->close();
}

}  // namespace banger::image
