#include "engine/reach/reach.h"

#include <unistd.h>

#include "engine/vm/wake.h"
#include "net/addresses.h"

namespace banger::engine {

std::optional<VmAddress> address_of(const VmOwner& vm) {
  bool runs = vm.state() == vm::State::running, wakes = vm.parts().services.config.auto_wake && sleeps(vm);
  if (vm.record().gone() || !(runs || wakes) || vm.record().row().purpose != store::Purpose::user) return std::nullopt;
  if (auto own = own_address(vm.parts())) {
    auto leased = runs ? host::parse_ipv4(*own) : std::nullopt;
    return leased ? std::optional(VmAddress{*leased, Reach::direct}) : std::nullopt;
  }
  auto address =
      host::parse_ipv4(net::loopback_address(static_cast<std::uint32_t>(vm.record().row().number), ::geteuid()));
  if (!address) return std::nullopt;
  return VmAddress{*address, Reach::forwarded};
}

}  // namespace banger::engine
