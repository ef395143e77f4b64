#include "roles/agent/exec/detached.h"

#include <sys/wait.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <optional>

namespace banger::roles::agent {

Task<> wait_for_end(ContextPtr context, host::Child child, bool main) {
  std::optional<MainCommands::Entry> entry;
  if (main) entry.emplace(context->main_commands, child);
  auto pidfd = child.release();
  asio::posix::stream_descriptor ended(context->runtime.io());
  std::error_code error;
  ended.assign(pidfd.get(), error);
  if (error) co_return;  // the command runs all the same, but nobody reaps it
  int number = pidfd.release();
  co_await ended.async_wait(asio::posix::stream_descriptor::wait_read,
                            asio::experimental::as_tuple(asio::use_awaitable));
  siginfo_t status{};
  (void)::waitid(P_PIDFD, static_cast<id_t>(number), &status, WEXITED);
}

}  // namespace banger::roles::agent
