// GET /listening: which TCP ports the guest listens on, as a JSON line now and after every change, until the host goes
// away. Linux does not notify of changes, so the agent reads the kernel's table once a second.
#include <nlohmann/json.hpp>

#include "roles/agent/bounds.h"
#include "roles/agent/listeners.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

namespace {

std::string describe() {
  auto rows = Json::array();
  for (const auto& listener : find_tcp_listeners())
    rows.push_back({{"address", listener.address}, {"port", listener.port}});
  return dump_json({{"ports", rows}}) + "\n";
}

}  // namespace

Task<> listening(ContextPtr context, StreamPtr stream) {
  if (!co_await stream->respond(200)) co_return;
  std::string sent;
  for (;;) {
    auto now = co_await context->runtime.blocking(describe);
    // An empty write fails when the host has gone.
    if (!co_await stream->write(now == sent ? "" : now)) co_return;
    sent = std::move(now);
    co_await context->runtime.sleep_for(limits::kListeningPoll);
  }
}

}  // namespace banger::roles::agent
