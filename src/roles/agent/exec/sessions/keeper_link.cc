#include "roles/agent/exec/sessions/keeper_link.h"

#include <sys/socket.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include "base/unique_fd.h"
#include "roles/agent/exec/sessions/keeper_socket.h"

namespace banger::roles::agent {

namespace {

constexpr auto use_tuple = asio::experimental::as_tuple(asio::use_awaitable);

}  // namespace

struct KeeperLink::Impl {
  explicit Impl(host::Runtime& loop) : runtime(loop), socket(loop.io()), ended(loop) {}
  host::Runtime& runtime;
  asio::posix::stream_descriptor socket;
  host::Event ended;
  bool over = false;
};

KeeperLink::KeeperLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeeperLink::~KeeperLink() = default;

Result<std::shared_ptr<KeeperLink>> KeeperLink::connect(host::Runtime& runtime, const std::string& session_directory) {
  auto socket = TRY(connect_to_keeper(session_directory));
  auto impl = std::make_unique<Impl>(runtime);
  std::error_code error;
  impl->socket.assign(socket.get(), error);
  if (error) return fail_errno("watch the session", error.value());
  socket.release();
  return std::shared_ptr<KeeperLink>(new KeeperLink(std::move(impl)));
}

Task<bool> KeeperLink::write(std::shared_ptr<KeeperLink> link, std::string bytes) {
  auto [error, put] = co_await asio::async_write(link->impl_->socket, asio::buffer(bytes), use_tuple);
  co_return !error;
}

void KeeperLink::finish() {
  if (impl_->socket.is_open()) (void)::shutdown(impl_->socket.native_handle(), SHUT_WR);
}

Task<bool> KeeperLink::wait_for_news(std::shared_ptr<KeeperLink> link) {
  char news[256];
  auto [error, got] = co_await link->impl_->socket.async_read_some(asio::buffer(news), use_tuple);
  co_return !error;
}

Task<bool> KeeperLink::wait_for_end(std::shared_ptr<KeeperLink> link, host::Deadline deadline) {
  auto read_all = [](std::shared_ptr<KeeperLink> ours) -> Task<> {
    while (co_await wait_for_news(ours)) {
    }
    ours->impl_->over = true;
    ours->impl_->ended.notify_all();
  };
  link->impl_->runtime.spawn(read_all(link));
  while (!link->impl_->over)
    if (!co_await link->impl_->ended.wait(deadline)) break;
  bool ended = link->impl_->over;
  link->close();
  co_return ended;
}

void KeeperLink::close() {
  std::error_code ignored;
  impl_->socket.close(ignored);
}

}  // namespace banger::roles::agent
