// The tables of src/api as one JSON document, from which clients in other languages are generated.
#pragma once

#include "base/json.h"

namespace banger::roles::cli {

/// `errors`: the codes of errors. `limits`: bounds that clients must know. `objects` and `methods`: as in docs/rpc.md,
/// in its order.
Json rpc_schema();

}  // namespace banger::roles::cli
