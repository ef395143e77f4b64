// The part of bridge networking that needs root: the bridge, its taps and its firewall. The daemon's part is in
// network.h. Names and addresses are derived from numbers and checked against the install's range. No text of a request
// ever reaches a command.
#include "net/bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "capabilities/bounds.h"
#include "capabilities/bridge/network.h"
#include "net/bounds.h"
#include "net/firewall.h"
#include "net/tap.h"
#include "vm/bounds.h"

namespace banger::capabilities {

namespace {

using Type = PrivilegedArgument::Type;

Result<net::Bridge> bridge_of(const PrivilegedContext& context) {
  net::Bridge bridge{.name = context.bridge_name,
                     .address = TRY(net::parse_ipv4(context.bridge_ip)),
                     .prefix = context.prefix,
                     .mtu = context.mtu};
  TRY(net::check_bridge(bridge));
  return bridge;
}

Result<std::uint32_t> tap_of(const Json& arguments) {
  auto number = TRY(get_int(arguments, "tap"));
  if (number < 1 || number > limits::kTaps)
    return fail(ErrorCode::invalid, fmt::format("'tap' must be between 1 and {}", limits::kTaps));
  return static_cast<std::uint32_t>(number);
}

Result<std::uint32_t> daemon_of(const Json& arguments) {
  auto number = TRY(get_int(arguments, "daemon"));
  if (number < 0 || number > UINT32_MAX)
    return fail(ErrorCode::invalid, fmt::format("'daemon' must be between 0 and {}", UINT32_MAX));
  return static_cast<std::uint32_t>(number);
}

constexpr std::pair<std::string_view, net::Gated> kGatedWords[] = {
    {"none", net::Gated::none}, {"closed", net::Gated::closed}, {"all", net::Gated::all}};

Result<net::Gated> gated_of(const Json& arguments) {
  auto word = TRY(get_string(arguments, "gated"));
  for (const auto& [name, gated] : kGatedWords)
    if (word == name) return gated;
  return fail(ErrorCode::invalid, "'gated' must be none, closed or all");
}

Result<std::uint16_t> gate_port_of(const Json& arguments, const char* name) {
  auto number = TRY(get_int(arguments, name));
  // Lower ports belong to services of the host.
  if (number < limits::kFirstGatePort || number > UINT16_MAX)
    return fail(ErrorCode::invalid, fmt::format("'{}' must be between {} and 65535", name, limits::kFirstGatePort));
  return static_cast<std::uint16_t>(number);
}

Result<net::GatePorts> gate_ports_of(const Json& arguments) {
  return net::GatePorts{.tcp = TRY(gate_port_of(arguments, "gate_tcp")),
                        .names_udp = TRY(gate_port_of(arguments, "gate_names_udp")),
                        .names_tcp = TRY(gate_port_of(arguments, "gate_names_tcp"))};
}

Result<net::GuestPort> guest_of(const PrivilegedContext& context, const Json& arguments) {
  auto bridge = TRY(bridge_of(context));
  auto range = bridge.range();
  net::GuestPort guest{.tap = TRY(tap_of(arguments)),
                       .address = TRY(net::parse_ipv4(TRY(get_string(arguments, "address")))),
                       .nat = TRY(find_bool(arguments, "nat")).value_or(false),
                       .link_local = TRY(find_bool(arguments, "link_local")).value_or(false)};
  bool good = range.contains(guest.address) && guest.address != range.first && guest.address != range.last() &&
              guest.address != bridge.address;
  if (!good)
    return fail(ErrorCode::invalid,
                fmt::format("{} is not an address for a guest in {}", net::to_text(guest.address), range.text()));
  return guest;
}

Result<std::uint64_t> bandwidth_of(const Json& arguments) {
  auto bytes = TRY(get_int(arguments, "bandwidth"));
  if (bytes < 0 || static_cast<std::uint64_t>(bytes) > limits::kMostNetBandwidthBytes)
    return fail(ErrorCode::invalid,
                fmt::format("'bandwidth' must be between 0 and {}", limits::kMostNetBandwidthBytes));
  return static_cast<std::uint64_t>(bytes);
}

Result<net::GuestPort> admitted_of(const PrivilegedContext& context, const Json& arguments) {
  auto guest = TRY(guest_of(context, arguments));
  guest.gated = TRY(gated_of(arguments));
  guest.bandwidth = TRY(bandwidth_of(arguments));
  guest.gate = TRY(bridge_of(context)).address;
  if (guest.gated != net::Gated::none) guest.ports = TRY(gate_ports_of(arguments));
  return guest;
}

// -- validators

Result<> check_none(const PrivilegedContext& context, const Json&) {
  TRY(bridge_of(context));
  return {};
}

Result<> check_tap(const PrivilegedContext& context, const Json& arguments) {
  TRY(bridge_of(context));
  TRY(tap_of(arguments));
  return {};
}

Result<> check_new_tap(const PrivilegedContext& context, const Json& arguments) {
  TRY(daemon_of(arguments));
  return check_tap(context, arguments);
}

Result<> check_guest(const PrivilegedContext& context, const Json& arguments) {
  TRY(guest_of(context, arguments));
  return {};
}

Result<> check_admitted(const PrivilegedContext& context, const Json& arguments) {
  TRY(admitted_of(context, arguments));
  return {};
}

// -- effects

Result<PrivilegedReply> ensure_bridge(const PrivilegedContext& context, const Json&) {
  auto bridge = TRY(bridge_of(context));
  TRY(net::ensure_bridge(bridge));
  TRY(net::ensure_firewall(bridge.name));
  // The install's values, which can differ from the settings of the owner.
  return PrivilegedReply{
      .result =
          dump_json({{"name", bridge.name}, {"address", net::to_text(bridge.address)}, {"prefix", bridge.prefix}})};
}

Result<PrivilegedReply> remove_bridge(const PrivilegedContext& context, const Json&) {
  auto bridge = TRY(bridge_of(context));
  TRY(net::remove_bridge(bridge));
  TRY(net::remove_firewall(bridge.name));
  return PrivilegedReply{};
}

Result<PrivilegedReply> create_tap(const PrivilegedContext& context, const Json& arguments) {
  PrivilegedReply reply;
  reply.fds.push_back(TRY(net::make_tap({.number = TRY(tap_of(arguments)),
                                         .mark = {context.owner_uid, TRY(daemon_of(arguments))},
                                         .bridge = context.bridge_name,
                                         .mtu = context.mtu})));
  return reply;
}

Result<PrivilegedReply> delete_tap(const PrivilegedContext& context, const Json& arguments) {
  auto tap = TRY(tap_of(arguments));
  TRY(net::remove_tap(tap, context.owner_uid));
  TRY(net::clear_tap(context.bridge_name, tap));
  return PrivilegedReply{};
}

Result<PrivilegedReply> set_guest(const PrivilegedContext& context, const Json& arguments) {
  TRY(net::admit_guest(context.bridge_name, TRY(admitted_of(context, arguments))));
  return PrivilegedReply{};
}

Result<PrivilegedReply> clear_guest(const PrivilegedContext& context, const Json& arguments) {
  TRY(net::remove_guest(context.bridge_name, TRY(guest_of(context, arguments))));
  return PrivilegedReply{};
}

constexpr PrivilegedArgument kTap{"tap", Type::number, "a number from 1 to 4096. The device is `bg-` and the number"};
constexpr PrivilegedArgument kAddress{"address", Type::text,
                                      "an address of a host in the bridge's range, not the bridge's own"};
constexpr PrivilegedArgument kNat{"nat", Type::boolean, "whether the guest can reach this host and hosts outside"};

constexpr PrivilegedArgument kLinkLocal{"link_local", Type::boolean,
                                        "whether the guest can also reach 169.254.0.0/16, the metadata of clouds"};

constexpr PrivilegedArgument kGated{
    "gated", Type::text,
    "none, closed or all: which connections go to the gate of the egress policy. closed: those to addresses that are "
    "closed to the guest"};

constexpr std::string_view kPortRule = "a port of the bridge's address, from 1024 on; 0 without a gate";
constexpr PrivilegedArgument kGateTcp{"gate_tcp", Type::number, kPortRule};
constexpr PrivilegedArgument kGateNamesUdp{"gate_names_udp", Type::number, kPortRule};
constexpr PrivilegedArgument kGateNamesTcp{"gate_names_tcp", Type::number, kPortRule};

constexpr PrivilegedArgument kBandwidth{
    "bandwidth", Type::number, "bytes a second that the guest sends, and that it receives, at most 4 GiB; 0: no limit"};

constexpr PrivilegedArgument kDaemon{"daemon", Type::number,
                                     "a number below 2^32 in the tap's mark, which tells daemons of one user apart"};

constexpr PrivilegedArgument kTapOnly[] = {kTap};
constexpr PrivilegedArgument kNewTap[] = {kTap, kDaemon};
constexpr PrivilegedArgument kGuest[] = {kTap, kAddress, kNat, kLinkLocal};
constexpr PrivilegedArgument kAdmitted[] = {kTap,     kAddress,      kNat,          kLinkLocal, kGated,
                                            kGateTcp, kGateNamesUdp, kGateNamesTcp, kBandwidth};

constexpr PrivilegedOperation kOperations[] = {
    {"bridge.ensure",
     "Makes the bridge of the install and the two nftables tables named banger, and turns IPv4 forwarding on. Other "
     "programs' forward chains that drop packets get marked rules that allow this bridge",
     {},
     check_none,
     ensure_bridge,
     "bridge.remove"},
    {"bridge.remove", "Removes the bridge, the tables, and the marked rules", {}, check_none, remove_bridge, ""},
    {"tap.create", "Makes a tap of the owner as a port of the bridge, and sends its descriptor", kNewTap, check_new_tap,
     create_tap, "tap.delete"},
    {"tap.delete", "Removes a tap of the owner that no machine uses, and the guest that was admitted on the tap",
     kTapOnly, check_tap, delete_tap, ""},
    {"nat.set", "Admits the guest with that address on the tap. Only the MAC that belongs to the address is allowed",
     kAdmitted, check_admitted, set_guest, "nat.clear"},
    {"nat.clear", "Removes the guest from the tap", kGuest, check_guest, clear_guest, ""},
};

}  // namespace

extern const Capability bridge;
constinit const Capability bridge = {
    .name = "bridge", .resource = make_host_resource<BridgeNetwork>, .privileged_ops = kOperations};

}  // namespace banger::capabilities
