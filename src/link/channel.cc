#include "link/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

namespace banger::link {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

bool is_about_the_peer(int error_number) {
  // EIO: a pty whose other end is closed.
  return error_number == EPIPE || error_number == ECONNRESET || error_number == EIO || error_number == ENOTCONN ||
         error_number == ECONNABORTED || error_number == ETIMEDOUT;
}

IoStep step_of(ssize_t result) {
  if (result >= 0) return {.kind = IoStep::Kind::done, .bytes = static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {.kind = IoStep::Kind::again};
  if (is_about_the_peer(errno)) return {.kind = IoStep::Kind::gone};
  return {.kind = IoStep::Kind::failed, .error_number = errno};
}

}  // namespace

struct Channel::Impl {
  explicit Impl(asio::io_context& io) : descriptor(io) {}
  asio::posix::stream_descriptor descriptor;
  bool is_socket = false;
  int wait_error = 0;  ///< the errno that made waiting impossible
};

Channel::Channel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Channel::~Channel() { close(); }

Result<std::unique_ptr<Channel>> Channel::take(host::Runtime& runtime, UniqueFd fd) {
  struct stat status;
  if (::fstat(fd.get(), &status) < 0) return fail_errno("link channel");
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
    return fail(ErrorCode::invalid, "a link channel cannot be a file");
  int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) return fail_errno("link channel");
  auto impl = std::make_shared<Impl>(runtime.io());
  impl->is_socket = S_ISSOCK(status.st_mode);
  std::error_code error;
  impl->descriptor.assign(fd.get(), error);
  if (error) return fail_errno("link channel", error.value());
  (void)fd.release();
  return std::unique_ptr<Channel>(new Channel(std::move(impl)));
}

IoStep Channel::read(std::span<char> into) {
  if (closed()) return {.kind = IoStep::Kind::gone};
  if (impl_->wait_error != 0) return {.kind = IoStep::Kind::failed, .error_number = impl_->wait_error};
  auto step = step_of(::read(impl_->descriptor.native_handle(), into.data(), into.size()));
  if (step.kind == IoStep::Kind::done && step.bytes == 0) step.kind = IoStep::Kind::gone;
  return step;
}

IoStep Channel::write(std::string_view bytes) {
  if (closed()) return {.kind = IoStep::Kind::gone};
  if (impl_->wait_error != 0) return {.kind = IoStep::Kind::failed, .error_number = impl_->wait_error};
  int fd = impl_->descriptor.native_handle();
  if (impl_->is_socket) return step_of(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  return step_of(::write(fd, bytes.data(), bytes.size()));
}

Task<> Channel::readable(host::Deadline deadline) {
  return wait(impl_, static_cast<int>(asio::posix::descriptor_base::wait_read), deadline);
}
Task<> Channel::writable(host::Deadline deadline) {
  return wait(impl_, static_cast<int>(asio::posix::descriptor_base::wait_write), deadline);
}

Task<> Channel::wait(std::shared_ptr<Impl> impl, int what, host::Deadline deadline) {
  if (!impl->descriptor.is_open() || impl->wait_error != 0) co_return;
  asio::steady_timer timer(impl->descriptor.get_executor());
  if (deadline != host::Deadline::max()) {
    timer.expires_at(deadline);
    timer.async_wait([weak = std::weak_ptr(impl)](std::error_code error) {
      // The timer may fire late and wake a later wait for no reason. All waiters allow for that.
      if (auto self = weak.lock(); self && !error) self->descriptor.cancel(error);
    });
  }
  auto [error] =
      co_await impl->descriptor.async_wait(static_cast<asio::posix::descriptor_base::wait_type>(what), use_tuple);
  if (error && error != asio::error::operation_aborted && impl->descriptor.is_open()) impl->wait_error = error.value();
}

void Channel::close() {
  std::error_code ignored;
  if (impl_->descriptor.is_open()) impl_->descriptor.close(ignored);
}

bool Channel::closed() const { return !impl_->descriptor.is_open(); }

Task<> yield_once(host::Runtime& runtime) { co_await asio::post(runtime.io(), asio::use_awaitable); }

}  // namespace banger::link
