// Running nft(8), the one tool this needs, with a deadline and bounded output. Blocks for some milliseconds.
#pragma once

#include <string>

#include "base/json.h"

namespace banger::net {

/// Full path, or `unavailable` with how to install it. Looked for where the system has such programs, never in $PATH.
Result<std::string> find_nft();

/// Applies `{"nftables": […]}` in one transaction: all of it or nothing.
Result<> apply_nft(const Json& commands);

/// The host's whole ruleset, in the same form (libnftables-json(5)).
Result<Json> list_nft();

}  // namespace banger::net
