// The WWW-Authenticate header: which ways to log in a server offers (RFC 9110, section 11.6.1). Pure. The text comes
// from any server, so its length and the number of its parts are limited.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::http {

/// One way to log in, for example `Bearer realm="https://auth/token",service="registry",scope="repository:a/b:pull"`.
struct Challenge {
  std::string scheme;                             ///< lower case: "bearer", "basic"
  std::string token68;                            ///< what stands after the scheme in place of parameters; mostly empty
  std::map<std::string, std::string> parameters;  ///< names in lower case; quotes and escapes are resolved
  friend bool operator==(const Challenge&, const Challenge&) = default;

  /// Null when there is no such parameter. `name` is in lower case.
  const std::string* find(std::string_view name) const;
};

/// All challenges of one header, in the server's order. `invalid` for malformed text, for a parameter given twice in
/// one challenge, and for text beyond limits::kChallengeBytes or kChallenges.
Result<std::vector<Challenge>> parse_challenges(std::string_view header);

/// The first challenge with this scheme (in lower case), or null.
const Challenge* find_challenge(const std::vector<Challenge>& challenges, std::string_view scheme);

}  // namespace banger::http
