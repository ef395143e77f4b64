#include "vm/network.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::vm {

namespace {

std::unexpected<Error> not_a_network(std::string_view text, const char* hint) {
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a network", printable(text, 40)), hint);
}

}  // namespace

Result<Network> network_from_string(std::string_view text) {
  if (auto network = value_of(kNetworkWords, text)) return *network;
  return not_a_network(text, "use \"user\" or \"bridge\"");
}

Result<NetworkChoice> network_choice_from_string(std::string_view text) {
  if (auto choice = value_of(kNetworkChoiceWords, text)) return *choice;
  return not_a_network(text, "use auto, user or bridge");
}

}  // namespace banger::vm
