// The page docs/rpc.md, made from the tables of src/api.
#pragma once

#include <string>

namespace banger::roles::cli {

std::string rpc_page();

}  // namespace banger::roles::cli
