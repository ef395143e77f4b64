// Which servers a pull may talk to, and whether it may do so without TLS. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/url.h"

namespace banger::image::oci {

/// The registries of the config key insecure_registries: "host" or "host:port".
using InsecureRegistries = std::vector<std::string>;

/// Whether the registry may be reached over plain HTTP: it is on this host, or the config allows it.
bool may_be_plain(std::string_view registry, const InsecureRegistries& insecure);

/// `denied` for a server that a registry names (a redirect, a token server) and that a pull must not ask: one without
/// TLS, unless the config allows it, or one inside this host's network that the registry is not part of. The registry
/// could make this host ask the metadata service of a cloud otherwise. Names are not looked up here.
Result<> check_server(const http::Url& registry, const http::Url& server, const InsecureRegistries& insecure);

}  // namespace banger::image::oci
