// The file /etc/hosts (hosts(5)). Pure.
#pragma once

#include <string_view>
#include <vector>

#include "http/address.h"

namespace banger::http {

/// All addresses of the name, in the order of the file. `host` is in lower case.
std::vector<Address> find_in_hosts(std::string_view file, std::string_view host);

}  // namespace banger::http
