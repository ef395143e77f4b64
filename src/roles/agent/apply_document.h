// The guest config as a person writes it for `banger-agent apply`: JSON or TOML, with the contents of files as text or
// from other files.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "guestcfg/guest_config.h"

namespace banger::roles::agent {

/// The content of the file that a `from` names.
using ReadContent = std::function<Result<std::string>(const std::string& path)>;

/// JSON begins with '{'; all other text is TOML. Each file has one of `data`, `text` and `from`. `invalid` names the
/// document and the field. Any bytes are safe.
Result<guestcfg::GuestConfig> read_apply_document(std::string_view text, const std::string& name,
                                                  const ReadContent& read);

}  // namespace banger::roles::agent
