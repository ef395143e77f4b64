#include "capabilities/bridge/names.h"

#include <nlohmann/json.hpp>

#include "host/endpoint.h"

namespace banger::capabilities {

Task<> route_names(Privileged& privileged, const config::Config& config, const Logger& log) {
  auto server = host::parse_endpoint(config.dns_listen_addr);
  // The helper accepts no other address.
  if (!server || host::ipv4_text(server->address) != "127.0.0.1") co_return;
  auto routed = co_await privileged.call("dns.route", dump_json({{"port", server->port}}));
  if (routed)
    log.info("dns.routed", {{"bridge", config.bridge_name}});
  else
    log.info("dns.not_routed", {{"why", routed.error().message}});
}

}  // namespace banger::capabilities
