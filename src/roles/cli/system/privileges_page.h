// docs/privileges.md, made from the tables that the root helper and the units are made from.
#pragma once

#include <string>

namespace banger::roles::cli {

std::string privileges_page();

}  // namespace banger::roles::cli
