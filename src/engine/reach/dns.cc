#include "engine/reach/dns.h"

#include <fmt/format.h>

#include "engine/bounds.h"
#include "engine/reach/reach.h"

namespace banger::engine {

Result<> Dns::listen() {
  auto where = TRY(host::parse_endpoint(services_.config.dns_listen_addr));
  server_ = TRY(net::serve_dns(services_.runtime, where, [this](std::string_view label) -> std::optional<host::Ipv4> {
    auto vm = vms_.find_exactly(label);
    auto found = vm ? address_of(*vm) : std::nullopt;
    return found ? std::optional(found->address) : std::nullopt;
  }));
  return {};
}

Task<> Dns::run() {
  if (services_.config.dns_listen_addr.empty()) co_return;
  bool logged = false;
  while (!server_) {
    if (auto listening = listen(); !listening) {
      why_not_ = std::move(listening.error());
      if (!std::exchange(logged, true)) services_.log.warn("dns.not_listening", {{"error", why_not_.message}});
      co_await services_.runtime.sleep_for(limits::kDnsRetry);
    }
  }
  services_.log.info("dns.listening", {{"address", services_.config.dns_listen_addr}});
}

Check Dns::check() const {
  const auto& where = services_.config.dns_listen_addr;
  if (where.empty()) return {"dns", CheckStatus::pass, "turned off in the config; VMs have no .vm names", ""};
  if (server_) return {"dns", CheckStatus::pass, fmt::format("answers for .vm names on {}", where), ""};
  return {"dns", CheckStatus::warn, fmt::format("no .vm names: {}", why_not_.message),
          "another user's daemon may use this address; set another port with dns_listen_addr in the config"};
}

}  // namespace banger::engine
