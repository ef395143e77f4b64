#include "roles/cli/builder/interruptible.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "roles/cli/builder/bounds.h"

namespace banger::roles::cli {

Result<> run_interruptible(const Signals& signals, const std::function<void()>& tell,
                           const std::function<Result<>(const image::StopFlag&)>& work) {
  UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return fail_errno("eventfd");
  image::StopFlag stop = false;
  Result<> result;
  std::jthread worker([&] {
    result = work(stop);
    ::eventfd_write(done.get(), 1);
  });
  for (bool ended = false; !ended;) {
    tell();
    std::array<pollfd, 2> waiting = {
        {{done.get(), POLLIN, 0}, {stop ? -1 : signals.fd(), POLLIN, 0}}};  // poll() passes -1 over
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(limits::kPackedPoll.count())) < 0) {
      stop = stop || errno != EINTR;
      continue;
    }
    if (waiting[1].revents) stop = true;
    ended = waiting[0].revents != 0;
  }
  worker.join();
  return stop ? fail(ErrorCode::cancelled, "interrupted") : std::move(result);
}

}  // namespace banger::roles::cli
