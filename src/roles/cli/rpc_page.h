// docs/rpc.md, from the tables of src/api.
#pragma once

#include <string>

namespace banger::roles::cli {

std::string rpc_page();

}  // namespace banger::roles::cli
