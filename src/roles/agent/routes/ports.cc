// GET /ports: the listening sockets of the guest.
#include <nlohmann/json.hpp>

#include "roles/agent/listeners.h"
#include "roles/agent/routes.h"

namespace banger::roles::agent {

Task<> ports(ContextPtr context, StreamPtr stream) {
  auto listeners = co_await context->runtime.blocking(find_listeners);
  auto rows = Json::array();
  for (const auto& listener : listeners)
    rows.push_back({{"protocol", listener.protocol},
                    {"address", listener.address},
                    {"port", listener.port},
                    {"process", listener.process},
                    {"command", listener.command},
                    {"pid", listener.pid}});
  (void)co_await stream->reply_json(200, dump_json({{"ports", rows}}));
}

}  // namespace banger::roles::agent
