#include "link/wakeup.h"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <list>

namespace banger::link {

struct Wakeup::Impl {
  explicit Impl(asio::io_context& context) : io(context) {}
  asio::io_context& io;
  std::list<asio::steady_timer*> waiting;
};

Wakeup::Wakeup(host::Runtime& runtime) : impl_(std::make_shared<Impl>(runtime.io())) {}

void Wakeup::notify() {
  // The expiry tells a wake-up from a deadline. Waiters take themselves off when they resume, or when they are destroyed.
  for (auto* timer : impl_->waiting) timer->expires_at(asio::steady_timer::time_point::min());
}

Task<bool> Wakeup::wait_on(std::shared_ptr<Impl> impl, host::Deadline deadline) {
  struct Waiter {
    Waiter(Impl& i, host::Deadline d) : impl(i), timer(i.io, d), at(i.waiting.insert(i.waiting.end(), &timer)) {}
    ~Waiter() { impl.waiting.erase(at); }
    Impl& impl;
    asio::steady_timer timer;
    std::list<asio::steady_timer*>::iterator at;
  };
  Waiter waiter(*impl, deadline);
  co_await waiter.timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  co_return waiter.timer.expiry() == asio::steady_timer::time_point::min();
}

}  // namespace banger::link
