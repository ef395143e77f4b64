// Choices of configuration keys for which no other folder has a type.
#pragma once

#include <string_view>

#include "base/words.h"

namespace banger::config {

/// The VMM of new machines.
enum class MachineChoice {
  automatic,  ///< the best one that works on this host
  firecracker,
  qemu,
};
inline constexpr Word<MachineChoice> kMachineWords[] = {
    {MachineChoice::automatic, "auto"}, {MachineChoice::firecracker, "firecracker"}, {MachineChoice::qemu, "qemu"}};

/// How an unused VM is stopped.
enum class StopAction { stop, suspend };
inline constexpr Word<StopAction> kStopActionWords[] = {{StopAction::stop, "stop"}, {StopAction::suspend, "suspend"}};
constexpr std::string_view to_string(StopAction action) { return word_of(kStopActionWords, action); }

/// Whose processes may connect to forwarded ports.
enum class ForwardClients {
  owner,  ///< the owner's and root's
  all,    ///< those of every user of this host
};
inline constexpr Word<ForwardClients> kForwardClientsWords[] = {{ForwardClients::owner, "owner"},
                                                                {ForwardClients::all, "all"}};

/// The proxy that programs in guests use.
enum class ProxyChoice {
  none,
  host,  ///< that of the daemon's own environment
};
inline constexpr Word<ProxyChoice> kProxyWords[] = {{ProxyChoice::none, "none"}, {ProxyChoice::host, "host"}};

}  // namespace banger::config
