// Identifiers and names for VMs whose user gave none.
#pragma once

#include <string>
#include <string_view>

namespace banger::engine {

/// 12 of [a-z0-9].
std::string random_id();

/// Two words from the given 4 random bytes: "brave-otter". A legal VM name and hostname.
std::string made_up_name(std::string_view four_random_bytes);

}  // namespace banger::engine
