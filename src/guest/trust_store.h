// The certificate authorities that programs of a guest trust. They are in lists as Debian, Alpine, Fedora, Arch and
// openSUSE have them, and in the directories from which tools make these lists.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "guest/root.h"

namespace banger::guest {

/// The list that exists afterwards in every guest with an authority of banger. Elsewhere it may be a link.
inline constexpr const char* kAuthoritiesPath = "/etc/ssl/certs/ca-certificates.crt";
/// The certificate alone.
inline constexpr const char* kAuthorityPath = "/usr/local/share/ca-certificates/banger.crt";

/// Makes programs trust the certificate (PEM) besides those that they trust anyway, or none of banger's when it is
/// empty. Lists that `environment` names get the certificate too. What else is in a list stays byte for byte. Lists
/// that are too large, or no files, stay as they are.
Result<> set_authority(const Root& root, const std::string& certificate,
                       const std::map<std::string, std::string>& environment);

}  // namespace banger::guest
