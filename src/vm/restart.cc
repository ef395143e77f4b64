#include "vm/restart.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::vm {

Result<Restart> restart_from_string(std::string_view text) {
  if (auto restart = value_of(kRestartWords, text)) return *restart;
  return fail(ErrorCode::invalid, fmt::format("'{}' does not say when a VM starts again", printable(text, 40)),
              "use \"no\", \"on-failure\" or \"always\"");
}

}  // namespace banger::vm
