#include "capabilities/bridge/guest_names.h"

#include <fmt/format.h>

namespace banger::capabilities {

bool GuestNames::serves() const {
  auto network = host_.privileged.network();
  return server_ && network && network_ && host::identity_of(*network) == host::identity_of(*network_);
}

Task<Result<>> GuestNames::serve() {
  auto network = host_.privileged.network();
  if (!network || serves()) co_return Result<>{};
  server_.reset();
  auto reply = CO_TRY(co_await host_.privileged.call("names.listen", "{}"));
  if (reply.fds.size() != 2)
    co_return fail(ErrorCode::internal, fmt::format("names.listen sent {} sockets instead of 2", reply.fds.size()));
  server_ = CO_TRY(net::relay_dns(host_.runtime, {.udp = std::move(reply.fds[0]), .tcp = std::move(reply.fds[1])},
                                  {.address_of = [this](std::string_view name) -> std::optional<net::Ipv4> {
                                     auto vm = host_.find_vm ? host_.find_vm(name) : std::nullopt;
                                     return vm ? leases_.find(*vm) : std::nullopt;
                                   },
                                   .servers = net::host_name_servers}));
  network_ = std::move(network);
  co_return Result<>{};
}

}  // namespace banger::capabilities
