#include "engine/reach/dns.h"

#include <fmt/format.h>

#include "engine/bounds.h"
#include "engine/reach/reach.h"
#include "host/files.h"
#include "net/bounds.h"
#include "net/dns_query.h"
#include "net/resolv_conf.h"

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

std::vector<host::Endpoint> Dns::local_resolvers() {
  std::vector<host::Endpoint> found;
  auto conf = net::parse_resolv_conf(host::read_file("/etc/resolv.conf", limits::kResolvConfBytes).value_or(""));
  for (const auto& server : conf.servers)
    if (auto address = host::parse_ipv4(server); address && server.starts_with("127."))
      found.push_back({*address, limits::kDnsPort});
  return found;
}

Task<bool> Dns::is_known_to_host(std::shared_ptr<VmOwner> vm) const {
  auto address = address_of(*vm);
  if (!server_ || !address) co_return false;
  auto deadline = host::after(limits::kResolverDeadline);
  for (const auto& resolver : resolvers_())
    // The host's programs ask the first server that answers.
    if (auto found = co_await net::ask_dns(services_.runtime, resolver, vm->record().id() + ".vm", deadline))
      co_return *found == address->address;
  co_return false;
}

}  // namespace banger::engine
