// Random names for VMs that their user did not name.
#pragma once

#include <string>
#include <string_view>

namespace banger::engine {

/// Two words chosen by 4 random bytes, for example "brave-otter". Always a legal VM name and hostname.
std::string random_name(std::string_view four_random_bytes);

}  // namespace banger::engine
