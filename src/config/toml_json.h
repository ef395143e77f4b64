// TOML as JSON, for documents that people may write in either.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace banger::config {

/// `invalid`, beginning with `path:line: `, when the text is not TOML, has dates or times, or is nested too deeply.
/// Any bytes are safe.
Result<Json> toml_to_json(std::string_view text, const std::string& path);

}  // namespace banger::config
