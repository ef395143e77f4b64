#include "roles/helper/server.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "host/child.h"
#include "host/runtime.h"

namespace banger::roles::helper {

namespace {

using std::chrono::milliseconds;

struct Handler {
  host::Child process;
  host::Peer peer;
  host::Deadline deadline;
};

class Server {
 public:
  Server(const ServerOptions& options, const Logger& log, UniqueFd listener, int stop_fd, const Handle& handle)
      : options_(options), log_(log), listener_(std::move(listener)), stop_fd_(stop_fd), handle_(handle) {}

  Result<> run() {
    while (listener_ || !handlers_.empty()) {
      auto waiting = interests();
      if (::poll(waiting.data(), waiting.size(), timeout_ms()) < 0 && errno != EINTR)
        return fail_errno("wait for requests");
      reap();
      if (!listener_) continue;
      if (waiting[0].revents)
        listener_.reset();
      else if (waiting[1].revents)
        accept_one();
    }
    return {};
  }

 private:
  std::vector<pollfd> interests() const {
    // poll(2) ignores negative descriptors. A server that stops accepts no connection, and neither does a full server.
    bool room = handlers_.size() < options_.connections;
    std::vector<pollfd> list{{listener_ ? stop_fd_ : -1, POLLIN, 0}, {room ? listener_.get() : -1, POLLIN, 0}};
    for (const auto& handler : handlers_) list.push_back({handler.process.pidfd(), POLLIN, 0});
    return list;
  }

  int timeout_ms() const {
    if (handlers_.empty()) return -1;
    auto first = std::ranges::min_element(handlers_, {}, &Handler::deadline)->deadline;
    auto left = std::chrono::ceil<milliseconds>(first - host::Clock::now());
    return static_cast<int>(std::max<long>(left.count(), 0));
  }

  void reap() {
    std::erase_if(handlers_, [&](Handler& handler) {
      auto ended = handler.process.poll();
      if (!ended && host::Clock::now() < handler.deadline) return false;
      if (!ended) {
        // The handler leads a process group, so this also kills the programs that the handler has started. The pid is
        // still valid, because the handler has not been reaped.
        ::kill(-handler.process.pid(), SIGKILL);
        ended = handler.process.wait();
      }
      if (ended->signal) warn(handler.peer, "helper.killed", std::to_string(ended->signal));
      return true;
    });
  }

  void accept_one() {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    auto peer = host::peer_of(socket.get());
    if (!peer || (peer->uid != options_.owner && peer->uid != 0)) {
      warn(peer.value_or(host::Peer{}), "helper.refused", "not the owner");
      return;
    }
    auto process = host::fork_to([&] {
      listener_.reset();
      return handle_(std::move(socket), *peer);
    });
    if (!process) return warn(*peer, "helper.refused", process.error().message);
    handlers_.push_back({std::move(*process), *peer, host::after(options_.deadline)});
  }

  void warn(const host::Peer& peer, std::string_view event, const std::string& why) const {
    log_.warn(event, {{"uid", std::to_string(peer.uid)}, {"pid", std::to_string(peer.pid)}, {"why", why}});
  }

  const ServerOptions& options_;
  const Logger& log_;
  UniqueFd listener_;
  int stop_fd_;
  const Handle& handle_;
  std::vector<Handler> handlers_;
};

}  // namespace

Result<> serve(const ServerOptions& options, const Logger& log, UniqueFd listener, int stop_fd, const Handle& handle) {
  return Server(options, log, std::move(listener), stop_fd, handle).run();
}

}  // namespace banger::roles::helper
