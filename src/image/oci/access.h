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

/// `server` is one that a registry names: the target of a redirect, or a token server. `denied` when it has no TLS and
/// the config does not allow that. `denied` also when its address is inside of this host's network, and the registry's
/// is not. Otherwise a registry could make this host ask the metadata service of a cloud. Names are not looked up here.
Result<> check_server(const http::Url& registry, const http::Url& server, const InsecureRegistries& insecure);

}  // namespace banger::image::oci
