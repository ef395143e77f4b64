#include "http/stream.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "http/bounds.h"
#include "http/tls_watch.h"

namespace banger::http {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);
using Descriptor = asio::posix::stream_descriptor;

enum class For { reading, writing };

/// What one call did, or what it needs before it can do anything.
struct Moved {
  std::optional<std::size_t> bytes = std::nullopt;  ///< 0: the end of the server's bytes
  For wanted = For::reading;
};

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

  static Result<> check(const Patience& patience) {
    if (patience.cancel) TRY(patience.cancel->check());
    if (host::Clock::now() >= patience.whole) return fail(ErrorCode::timeout, "the server took too long");
    return {};
  }

  /// Before each call that moves bytes. A socket that is always ready never waits, so nothing else would end it.
  Task<Result<>> take_turn(Patience patience) {
    co_await give_way();
    co_return check(patience);
  }

  /// After a call that moved no byte: returns once the socket is ready.
  Task<Result<>> wait(For what, Patience patience, host::Deadline stalled) {
    for (bool waited = false;; waited = true) {
      CO_TRY(check(patience));
      auto now = host::Clock::now();
      bool ready = is_ready(what);
      // Without a wait, the call has just taken what was ready, and it was no progress.
      if (ready && waited) co_return Result<>();
      if (now >= stalled)
        co_return fail(ErrorCode::timeout,
                       fmt::format("the server {} nothing for {}", what == For::reading ? "sent" : "took",
                                   format_duration(patience.stall)));
      if (ready) co_return Result<>();
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

  /// Before each call of OpenSSL.
  void call_begins() {
    ERR_clear_error();
    errno = 0;
    watch.call_begins();
  }

  Result<Moved> read_tls(std::span<char> into) {
    call_begins();
    int got = SSL_read(tls.get(), into.data(), static_cast<int>(into.size()));
    if (got > 0) watch.content_arrived();
    if (got > 0) return Moved{.bytes = static_cast<std::size_t>(got)};
    if (SSL_get_error(tls.get(), got) == SSL_ERROR_ZERO_RETURN) return Moved{.bytes = 0};
    auto what = TRY(wanted(got));
    TRY(watch.check());
    return Moved{.wanted = what};
  }
  Result<Moved> write_tls(std::string_view bytes) {
    call_begins();
    int put = SSL_write(tls.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (put > 0) return Moved{.bytes = static_cast<std::size_t>(put)};
    return Moved{.wanted = TRY(wanted(put))};
  }
  Result<Moved> read_plain(std::span<char> into) const {
    return moved(::recv(fd(), into.data(), into.size(), 0), For::reading);
  }
  Result<Moved> write_plain(std::string_view bytes) const {
    return moved(::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), For::writing);
  }
  static Result<Moved> moved(ssize_t count, For what) {
    if (count >= 0) return Moved{.bytes = static_cast<std::size_t>(count)};
    if (errno != EAGAIN && errno != EINTR) return broken(errno);
    return Moved{.wanted = what};
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
  TlsWatch watch;
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

Task<Result<>> Stream::writable(Patience patience) {
  return impl_->wait(For::writing, patience, host::after(patience.stall));
}

Task<Result<>> Stream::start_tls(TlsContext context, std::string host, Patience patience) {
  impl_->tls = CO_TRY(make_tls(context, host, impl_->fd()));
  impl_->watch.start(impl_->tls.get());
  for (;;) {
    CO_TRY(co_await impl_->take_turn(patience));
    impl_->call_begins();
    int done = SSL_connect(impl_->tls.get());
    if (done == 1) break;
    auto what = CO_TRY(impl_->wanted(done));
    CO_TRY(impl_->watch.check());
    CO_TRY(co_await impl_->wait(what, patience, host::after(patience.stall)));
  }
  impl_->watch.content_arrived();
  co_return Result<>();
}

Task<Result<std::size_t>> Stream::read(std::span<char> into, Patience patience) {
  // Messages of TLS, and parts of records, are no progress.
  auto stalled = host::after(patience.stall);
  for (;;) {
    CO_TRY(co_await impl_->take_turn(patience));
    auto got = CO_TRY(impl_->tls ? impl_->read_tls(into) : impl_->read_plain(into));
    if (got.bytes) co_return *got.bytes;
    CO_TRY(co_await impl_->wait(got.wanted, patience, stalled));
  }
}

Task<Result<>> Stream::write(std::string_view bytes, Patience patience) {
  auto stalled = host::after(patience.stall);
  while (!bytes.empty()) {
    CO_TRY(co_await impl_->take_turn(patience));
    auto put = CO_TRY(impl_->tls ? impl_->write_tls(bytes) : impl_->write_plain(bytes));
    if (put.bytes) {
      bytes.remove_prefix(*put.bytes);
      stalled = host::after(patience.stall);
    } else {
      CO_TRY(co_await impl_->wait(put.wanted, patience, stalled));
    }
  }
  co_return Result<>();
}

}  // namespace banger::http
