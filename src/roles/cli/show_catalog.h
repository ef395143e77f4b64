// Prints what the catalog has of one kind: `banger image catalog` and `banger kernel catalog`.
#pragma once

#include "roles/cli/command.h"
#include "roles/cli/output.h"

namespace banger::roles::cli {

inline constexpr Option kCatalogOptions[] = {
    {.name = "quiet", .letter = 'q', .help = "print only names"},
    {.name = "json", .help = "print a JSON array of entries"},
};

/// `kind`: "image" or "kernel".
Result<int> show_catalog(Context& context, std::string_view kind);

}  // namespace banger::roles::cli
