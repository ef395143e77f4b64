// The page docs/privileges.md. The root helper and the units are made from the same tables.
#pragma once

#include <string>

namespace banger::roles::cli {

std::string privileges_page();

}  // namespace banger::roles::cli
