// Runs nft(8), the only external program of this folder, with a deadline and bounded output. Blocks for some
// milliseconds.
#pragma once

#include <string>

#include "base/json.h"

namespace banger::net {

/// Full path, or `unavailable` with a hint how to install nft. Looks in the system's directories, never in $PATH.
Result<std::string> find_nft();

/// Applies `{"nftables": […]}` in one transaction: completely or not at all.
Result<> apply_nft(const Json& commands);

/// The host's whole ruleset, in the same form (libnftables-json(5)).
Result<Json> list_nft();

}  // namespace banger::net
