// What a guest hears when the secrets of a request cannot be put in.
#pragma once

#include <optional>
#include <string>

#include "egress/secrets.h"
#include "egress/verdict.h"

namespace banger::roles::gate {

struct SecretTrouble {
  egress::Verdict verdict;  ///< for the log
  int status = 502;         ///< of the answer to the guest
  std::string sentence;
};

/// Nothing for a text that is as it should be. `host` is the one that the request is for.
std::optional<SecretTrouble> trouble_of(const egress::Swapped& made, const std::string& host, egress::Destination to);

}  // namespace banger::roles::gate
