#include "http/stream.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cstring>

#include "base/text.h"
#include "http/bounds.h"

namespace banger::http {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
using Descriptor = asio::posix::stream_descriptor;

enum class For { reading, writing };

/// One wait of at most until `end`. The timer's handler shares the descriptor, because it may run after the wait.
Task<> wait_once(std::shared_ptr<Descriptor> socket, For what, host::Deadline end) {
  auto timer = std::make_shared<asio::steady_timer>(socket->get_executor(), end);
  timer->async_wait([socket](std::error_code cancelled) {
    if (!cancelled && socket->is_open()) socket->cancel();
  });
  co_await socket->async_wait(what == For::reading ? Descriptor::wait_read : Descriptor::wait_write, use_tuple);
  timer->cancel();
}

}  // namespace

struct Stream::Impl {
  Impl(host::Runtime& runtime, UniqueFd fd, const Address& address)
      : socket(std::make_shared<Descriptor>(runtime.io(), fd.release())), peer(address) {}
  ~Impl() {
    std::error_code ignored;
    tls.reset();
    socket->close(ignored);
  }

  int fd() const { return socket->native_handle(); }

  /// Returns once the socket is ready.
  Task<Result<>> wait(For what, Patience patience) {
    auto stalled = host::after(patience.stall);
    for (;;) {
      auto now = host::Clock::now();
      if (patience.cancel && patience.cancel->requested()) co_return fail(ErrorCode::cancelled, "cancelled");
      if (is_ready(what)) co_return Result<>();
      if (now >= patience.whole) co_return fail(ErrorCode::timeout, "the server took too long");
      if (now >= stalled)
        co_return fail(ErrorCode::timeout,
                       fmt::format("the server {} nothing for {}", what == For::reading ? "sent" : "took",
                                   format_duration(patience.stall)));
      auto end = std::min(stalled, patience.whole);
      if (patience.cancel) end = std::min(end, now + limits::kCancelPoll);
      co_await wait_once(socket, what, end);
    }
  }

  bool is_ready(For what) const {
    pollfd entry{.fd = fd(), .events = static_cast<short>(what == For::reading ? POLLIN : POLLOUT), .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
  }

  /// What to wait for after a call of OpenSSL that returned `result`; an error when the connection is of no more use.
  Result<For> wanted(int result) const {
    switch (SSL_get_error(tls.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return For::reading;
      case SSL_ERROR_WANT_WRITE:
        return For::writing;
      case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() == 0 && errno) return broken(errno);
        [[fallthrough]];
      default:
        return std::unexpected(tls_error(tls.get()));
    }
  }

  static std::unexpected<Error> broken(int number) {
    return fail(ErrorCode::unavailable, fmt::format("the connection broke: {}", std::strerror(number)));
  }

  /// A long run of bytes that are there already must not keep other coroutines from running.
  Task<> give_way() {
    if (++in_row < limits::kHttpReadsInRow) co_return;
    in_row = 0;
    co_await asio::post(socket->get_executor(), asio::use_awaitable);
  }

  std::shared_ptr<Descriptor> socket;
  Address peer;
  Tls tls;
  int in_row = 0;
};

Stream::Stream(host::Runtime& runtime, UniqueFd socket, const Address& peer)
    : impl_(std::make_unique<Impl>(runtime, std::move(socket), peer)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const Address& Stream::peer() const { return impl_->peer; }

bool Stream::is_idle() const {
  return !impl_->is_ready(For::reading) && !(impl_->tls && SSL_pending(impl_->tls.get()) > 0);
}

Task<Result<>> Stream::writable(Patience patience) { return impl_->wait(For::writing, patience); }

Task<Result<>> Stream::start_tls(TlsContext context, std::string host, Patience patience) {
  impl_->tls = CO_TRY(make_tls(context, host, impl_->fd()));
  for (;;) {
    ERR_clear_error();
    errno = 0;
    int done = SSL_connect(impl_->tls.get());
    if (done == 1) co_return Result<>();
    auto what = CO_TRY(impl_->wanted(done));
    CO_TRY(co_await impl_->wait(what, patience));
  }
}

Task<Result<std::size_t>> Stream::read(std::span<char> into, Patience patience) {
  co_await impl_->give_way();
  for (;;) {
    For what = For::reading;
    if (impl_->tls) {
      ERR_clear_error();
      errno = 0;
      int got = SSL_read(impl_->tls.get(), into.data(), static_cast<int>(into.size()));
      if (got > 0) co_return static_cast<std::size_t>(got);
      if (SSL_get_error(impl_->tls.get(), got) == SSL_ERROR_ZERO_RETURN) co_return 0;
      what = CO_TRY(impl_->wanted(got));
    } else {
      auto got = ::recv(impl_->fd(), into.data(), into.size(), 0);
      if (got >= 0) co_return static_cast<std::size_t>(got);
      if (errno != EAGAIN && errno != EINTR) co_return Impl::broken(errno);
    }
    CO_TRY(co_await impl_->wait(what, patience));
  }
}

Task<Result<>> Stream::write(std::string_view bytes, Patience patience) {
  while (!bytes.empty()) {
    For what = For::writing;
    if (impl_->tls) {
      ERR_clear_error();
      errno = 0;
      int put = SSL_write(impl_->tls.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
      if (put > 0) continue;
      what = CO_TRY(impl_->wanted(put));
    } else {
      auto put = ::send(impl_->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put >= 0) bytes.remove_prefix(static_cast<std::size_t>(put));
      if (put >= 0) continue;
      if (errno != EAGAIN && errno != EINTR) co_return Impl::broken(errno);
    }
    CO_TRY(co_await impl_->wait(what, patience));
  }
  co_return Result<>();
}

}  // namespace banger::http
