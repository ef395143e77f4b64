#include "vm/storage.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::vm {

Result<Storage> storage_from_string(std::string_view text) {
  if (auto storage = value_of(kStorageWords, text)) return *storage;
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a kind of storage", printable(text, 40)),
              "use \"overlay\", \"copy\" or \"dm-snapshot\"");
}

}  // namespace banger::vm
