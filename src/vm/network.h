// How a VM reaches its surroundings.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/words.h"

namespace banger::vm {

enum class Network {
  user,    ///< behind its own VMM
  bridge,  ///< an address of its own on the host's bridge
};
inline constexpr Word<Network> kNetworkWords[] = {{Network::user, "user"}, {Network::bridge, "bridge"}};
constexpr std::string_view to_string(Network network) { return word_of(kNetworkWords, network); }
Result<Network> network_from_string(std::string_view text);

/// What a user asks for. Each VM is recorded with the network that was chosen.
enum class NetworkChoice {
  automatic,  ///< the best that this host has
  user,
  bridge,
};
inline constexpr Word<NetworkChoice> kNetworkChoiceWords[] = {
    {NetworkChoice::automatic, "auto"}, {NetworkChoice::user, "user"}, {NetworkChoice::bridge, "bridge"}};
constexpr std::string_view to_string(NetworkChoice choice) { return word_of(kNetworkChoiceWords, choice); }
Result<NetworkChoice> network_choice_from_string(std::string_view text);
/// The choice of exactly this network.
constexpr NetworkChoice exactly(Network network) {
  return network == Network::bridge ? NetworkChoice::bridge : NetworkChoice::user;
}

}  // namespace banger::vm
