// One network device, of one of two kinds:
//
//   user-mode network   The MAC is derived from the VM's number (net/addresses.h). The address is the same in every VM,
//                       because each VM has the network to itself.
//   port                A host resource made the port, and added the device.
#include "base/text.h"
#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "guest/root.h"
#include "guestcfg/checks.h"
#include "host/files.h"
#include "net/addresses.h"
#include "net/link_mac.h"
#include "net/netlink.h"
#include "net/resolv_conf.h"

namespace banger::capabilities {

namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";

Result<> add_to_machine(const VmContext& vm, machine::MachineConfig& config) {
  if (!vm.port)
    config.nics.push_back({.mac = net::mac_address(vm.number), .restrict_outside = !vm::reaches_outside(vm.spec)});
  return {};
}

// A host without the file has no names either.
net::ResolvConf host_resolvers() {
  return net::parse_resolv_conf(host::read_file(kResolvConf, limits::kIdentityFileBytes).value_or(""));
}

void add_search(guestcfg::Interface& interface, const net::ResolvConf& host) {
  for (const auto& domain : host.search)
    if (guestcfg::check_host_name(domain)) interface.search.push_back(domain);
}

guestcfg::Interface user_interface(const VmContext& vm) {
  guestcfg::Interface interface{.mac = net::mac_address(vm.number), .address = net::kUserGuest, .index = 0};
  if (vm::reaches_outside(vm.spec)) {
    interface.gateway = net::kUserGateway;
    // The VMM cannot refuse single networks, so a route of the guest does.
    if (!vm.link_local) interface.unreachable = {net::kLinkLocal};
    // The guest asks the servers that the host asks.
    auto host = host_resolvers();
    interface.dns = net::user_mode_servers(host);
    add_search(interface, host);
  }
  return interface;
}

guestcfg::Interface port_interface(const VmContext& vm) {
  guestcfg::Interface interface{.mac = vm.port->mac, .address = vm.port->address, .index = 0, .mtu = vm.port->mtu};
  if (vm.spec.nat) {
    interface.gateway = vm.port->gateway;
    interface.dns = vm.port->dns;
    if (vm.port->host_names) add_search(interface, host_resolvers());
  }
  return interface;
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  // Without access to the outside, the gateway and the resolver reach nothing. A name lookup must fail at once, not
  // after a timeout.
  config.interfaces.push_back(vm.port ? port_interface(vm) : user_interface(vm));
  return {};
}

// -- in the guest

Result<> write_resolvers(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  std::string text;
  for (const auto& interface : config.interfaces) {
    for (const auto& address : interface.dns) text += "nameserver " + address + "\n";
    if (!interface.search.empty()) text += "search " + join(interface.search, " ") + "\n";
  }
  auto root = TRY(guest::Root::open(target.root, target.changes));
  // At boot a file replaces a link to a resolver service, which may not even run. Later, the user wants the link.
  bool linked = !root.link_target(kResolvConf).empty();
  if (linked && target.mode != ApplyMode::boot) return {};
  TRY(root.force_file({.path = kResolvConf, .data = std::move(text)}));
  return {};
}

/// Whether the links differ from before in their MACs only, as in every clone on the user-mode network.
bool same_but_for_macs(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (!target.before || target.before->interfaces.size() != config.interfaces.size()) return false;
  for (std::size_t i = 0; i < config.interfaces.size(); ++i) {
    auto before = target.before->interfaces[i];
    before.mac = config.interfaces[i].mac;
    before.dns = config.interfaces[i].dns;
    before.search = config.interfaces[i].search;
    if (before != config.interfaces[i]) return false;
  }
  return true;
}

/// Whether the name servers are those of before. The host may have moved to another network since its template booted.
bool same_resolvers(const GuestTarget& target, const guestcfg::GuestConfig& config) {
  return std::equal(target.before->interfaces.begin(), target.before->interfaces.end(), config.interfaces.begin(),
                    [](const auto& a, const auto& b) { return a.dns == b.dns && a.search == b.search; });
}

/// False when a link cannot change its MAC while it is up, or when no link has the old MAC.
bool swap_macs(GuestTarget& target, const guestcfg::GuestConfig& config) {
  auto opened = target.handles ? Result<UniqueFd>() : net::link_control();
  if (!opened) return false;
  int control = target.handles ? target.handles->control.get() : opened->get();
  for (std::size_t i = 0; i < config.interfaces.size(); ++i) {
    const auto &from = target.before->interfaces[i].mac, &to = config.interfaces[i].mac;
    if (from == to) continue;
    if (!net::change_mac(control, from, to)) return false;
    target.later = true;
  }
  return true;
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (target.mode == ApplyMode::provision) return {};
  // The code below runs for the first time in a clone, and would take half of the time to its first command.
  if (same_but_for_macs(target, config) && swap_macs(target, config))
    return same_resolvers(target, config) ? Result<>() : write_resolvers(target, config);
  auto netlink = TRY(net::Netlink::open());
  if (target.mode == ApplyMode::boot) TRY(netlink.loopback_up());
  if (config.interfaces.empty()) return {};
  for (const auto& interface : config.interfaces) {
    auto configured = netlink.configure({.mac = interface.mac,
                                         .index = interface.index,
                                         .address = interface.address,
                                         .gateway = interface.gateway,
                                         .unreachable = interface.unreachable,
                                         .mtu = interface.mtu});
    // A VMM without a user-mode network leaves out a device that would reach nothing.
    bool left_out = !configured && configured.error().code == ErrorCode::not_found && interface.gateway.empty();
    if (!configured && !left_out) return configured;
  }
  return write_resolvers(target, config);
}

// The link-local address is derived from the MAC.
Result<> apply_later(GuestTarget&, const guestcfg::GuestConfig& config) {
  auto netlink = TRY(net::Netlink::open());
  for (const auto& interface : config.interfaces) TRY(netlink.renew_link_local(interface.mac));
  return {};
}

}  // namespace

extern const Capability network;
constinit const Capability network = {
    .name = "network", .machine = add_to_machine, .guest = add_to_guest, .apply = apply, .apply_later = apply_later};

}  // namespace banger::capabilities
