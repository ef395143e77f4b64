#include "image/oci/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letters.h"
#include "http/address.h"

namespace banger::image::oci {

namespace {

/// The host of "host:port" or "[::1]:port", without brackets.
std::string_view host_of(std::string_view registry) {
  if (registry.starts_with('[')) return registry.substr(1, registry.find(']') - 1);
  return registry.substr(0, registry.rfind(':'));
}

bool is_listed(std::string_view registry, const InsecureRegistries& insecure) {
  return std::ranges::any_of(insecure, [&](const auto& listed) {
    auto name = lower(listed), asked = lower(registry);
    return name == asked || name == host_of(asked);
  });
}

}  // namespace

bool may_be_plain(std::string_view registry, const InsecureRegistries& insecure) {
  return http::known_reach(host_of(registry)) == http::Reach::loopback || is_listed(registry, insecure);
}

Result<> check_server(const http::Url& registry, const http::Url& server, const InsecureRegistries& insecure) {
  auto name = http::host_and_port(server);
  bool listed = is_listed(name, insecure);
  auto reach = http::known_reach(server.host), from = http::known_reach(registry.host);
  bool on_this_host = from == http::Reach::loopback && reach == http::Reach::loopback;
  if (server.scheme == "http" && !on_this_host && !listed)
    return fail(ErrorCode::denied, fmt::format("the registry refers to http://{}, which is not encrypted", name),
                "if you trust that network, add the host to insecure_registries in the config");
  // The reach of addresses only grows: from this host, over its network, to everybody's.
  if (reach && *reach != http::Reach::global && from.value_or(http::Reach::global) != *reach && !listed)
    return fail(ErrorCode::denied, fmt::format("the registry refers to {}, inside of this host's network", name),
                "if you trust the registry, add that address to insecure_registries in the config");
  return {};
}

}  // namespace banger::image::oci
