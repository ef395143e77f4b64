#include "roles/gate/secret_trouble.h"

namespace banger::roles::gate {

std::optional<SecretTrouble> trouble_of(const egress::Swapped& made, const std::string& host, egress::Destination to) {
  bool missing = made.outcome == egress::Swapped::missing;
  if (!missing && made.outcome != egress::Swapped::too_large) return std::nullopt;
  auto reason = missing ? egress::Reason::secret_missing : egress::Reason::head_too_large;
  SecretTrouble trouble{.verdict = {.reason = reason, .name = host}, .status = missing ? 502 : 431, .sentence = {}};
  auto error = egress::to_error(trouble.verdict, to);
  if (missing) error.message = "the value of the secret " + made.text + " is missing";
  trouble.sentence = error.sentence();
  return trouble;
}

}  // namespace banger::roles::gate
