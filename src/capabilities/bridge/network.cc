#include "capabilities/bridge/network.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "capabilities/bridge/checks.h"
#include "net/addresses.h"
#include "net/bounds.h"
#include "net/links.h"

namespace banger::capabilities {

namespace {

/// Whether there is a bridge of banger without ports. The ports of another daemon's bridge are that daemon's taps.
bool is_deserted(const std::string& name) {
  auto netlink = net::Netlink::open();
  auto links = netlink ? net::list_links(*netlink) : std::unexpected(netlink.error());
  if (!links) return false;
  auto bridge = std::ranges::find(*links, name, &net::LinkInfo::name);
  return bridge != links->end() && bridge->ours() &&
         std::ranges::none_of(*links, [&](const auto& link) { return link.master == bridge->index; });
}

std::string_view word_of(net::Gated gated) {
  if (gated == net::Gated::none) return "none";
  return gated == net::Gated::closed ? "closed" : "all";
}

// JSON stays in plain functions. In coroutines its code is several times as large.

std::string admission_of(const net::GuestPort& guest) {
  return dump_json({{"tap", guest.tap},
                    {"address", net::to_text(guest.address)},
                    {"nat", guest.nat},
                    {"link_local", guest.link_local},
                    {"gated", word_of(guest.gated)},
                    {"gate_tcp", guest.ports.tcp},
                    {"gate_names_udp", guest.ports.names_udp},
                    {"gate_names_tcp", guest.ports.names_tcp},
                    {"bandwidth", guest.bandwidth}});
}

std::string lan_of(net::Ipv4 address, bool open) {
  return dump_json({{"address", net::to_text(address)}, {"open", open}});
}

/// A limit can only hold at a tap. A guest of a user network that reaches nothing needs none.
bool needs_rate(const vm::Spec& spec) { return spec.net_bandwidth_bytes > 0 && vm::reaches_outside(spec); }

bool on_bridge(const vm::Spec& spec) { return spec.network == vm::Network::bridge; }

/// The host as the parts of this resource see it: their operations may have their effect in a private network.
ResourceHost for_bridge(const ResourceHost& host) {
  return {.runtime = host.runtime,
          .log = host.log,
          .paths = host.paths,
          .config = host.config,
          .store = host.store,
          .privileged = host.network,
          .network = host.network,
          .egress = host.egress,
          .firecracker = host.firecracker,
          .find_vm = host.find_vm,
          .proxy = host.proxy};
}

}  // namespace

BridgeNetwork::BridgeNetwork(const ResourceHost& host)
    : host_(for_bridge(host)),
      device_(host_),
      taps_(host.log, host.store, host.network, {::geteuid(), net::daemon_number(host.paths.state)}),
      idle_(taps_),
      upkeep_(host_, device_, taps_, idle_),
      names_(host_, leases_),
      proxy_(host_, device_, leases_),
      gating_(host_, device_, proxy_),
      host_addresses_(host_, device_) {}

Result<> BridgeNetwork::load() {
  for (const auto& lease : TRY(host_.store.leases())) leases_.set(lease.vm_id, lease.address);
  for (const auto& entry : TRY(host_.store.journal())) {
    device_.load(entry);
    taps_.load(entry);
  }
  return {};
}

Task<Result<>> BridgeNetwork::resolve(vm::NetworkChoice asked, vm::Spec& spec) {
  using enum vm::NetworkChoice;
  if (asked == automatic && (gating_.needs_bridge(spec) || needs_rate(spec))) asked = bridge;
  bool good = host_.privileged.way() == Privileged::Way::helper || host_.privileged.is_private();
  if (asked == user || (asked == automatic && !good)) co_return Result<>{};
  if (!host_.privileged.available())
    co_return fail(ErrorCode::unavailable, "bridge networking needs root, the root helper or a private network",
                   "banger doctor tells what a private network lacks; or: --network user");
  CO_TRY(device_.configured());
  if (host_.privileged.is_private()) {
    auto made = co_await ensure();
    if (made || asked == bridge) spec.network = vm::Network::bridge;
    co_return asked == bridge ? made : Result<>{};
  }
  // Every other failure can be repaired. `acquire` reports it.
  auto made = asked == bridge || device_.made() ? Result<>{} : co_await device_.ensure();
  if (made || made.error().code != ErrorCode::unsupported) spec.network = vm::Network::bridge;
  co_return Result<>{};
}

Result<> BridgeNetwork::check(const vm::Spec& spec) const {
  if (!on_bridge(spec) && needs_rate(spec))
    return fail(ErrorCode::unsupported,
                "a VM with the user network cannot have a network bandwidth: nothing enforces the limit",
                "use a bridge or a private network (banger doctor tells what they need), or --net-bandwidth 0");
  return gating_.check(spec);
}

Task<Result<>> BridgeNetwork::ensure() {
  CO_TRY(co_await device_.ensure());
  CO_TRY(co_await names_.serve());
  co_await proxy_.serve();
  co_return co_await host_addresses_.close();
}

Task<> BridgeNetwork::close() {
  co_await upkeep_.close();
  names_.end();
  proxy_.end();
}

Task<Result<BridgeNetwork::Port>> BridgeNetwork::attach(std::string vm_id) {
  upkeep_.note_use();
  if (!device_.made() || (host_.privileged.is_private() && !names_.serves())) CO_TRY(co_await ensure());
  auto address = CO_TRY(leases_.choose(vm_id, *device_.made()));
  auto idle = idle_.take();
  auto number = idle ? idle->number : CO_TRY(taps_.free_number());
  // The tap is recorded as the VM's, in memory and in the store, before anything else can happen to either.
  if (auto recorded = host_.store.record_lease({vm_id, address}, fmt::to_string(number)); !recorded) {
    if (idle) taps_.discard(number);
    co_return std::unexpected(std::move(recorded).error());
  }
  leases_.set(vm_id, address);
  taps_.attach(vm_id, number);
  upkeep_.note_use();
  if (idle) co_return Port{number, address, std::move(idle->fd)};
  auto made = co_await taps_.create(number);
  if (made) co_return Port{number, address, std::move(*made)};
  // Another program may have removed the bridge. Make the bridge again.
  CO_TRY(co_await ensure());
  co_return Port{number, address, CO_TRY(co_await taps_.create(number))};
}

Task<Result<>> BridgeNetwork::acquire(const VmContext& vm, machine::MachineConfig& config) {
  if (!on_bridge(vm.spec)) co_return Result<>{};
  // Removes the tap of a start that was interrupted.
  co_await release(vm.id);
  auto port = CO_TRY(in("network", co_await attach(vm.id)));
  config.taps.push_back({.mac = net::bridge_mac(port.address),
                         .device = net::tap_name(port.tap),
                         .fd = std::make_shared<UniqueFd>(std::move(port.fd))});
  config.network = host_.privileged.network();
  co_return Result<>{};
}

// After the start of the machine, so that the start does not wait for nft. The tap drops all packets until then, and no
// guest boots that fast.
Task<Result<>> BridgeNetwork::admit(std::string vm_id, const vm::Spec& spec) {
  if (!on_bridge(spec)) co_return Result<>{};
  auto tap = taps_.of(vm_id);
  auto lease = leases_.find(vm_id);
  if (!tap || !lease) co_return fail(ErrorCode::internal, "network: the VM has no tap on the bridge");
  if (!device_.made()) CO_TRY(in("network", co_await ensure()));
  if (host_.privileged.is_private()) CO_TRY(in("network", co_await limit_lan(*lease)));
  auto gate = CO_TRY(in("egress", co_await gating_.prepare(vm_id, *lease, spec)));
  net::GuestPort guest{.tap = *tap,
                       .address = *lease,
                       .nat = spec.nat,
                       .link_local = spec.nat && host_.config.guest_link_local,
                       .gated = gate.gated,
                       .ports = gate.ports,
                       .bandwidth = spec.net_bandwidth_bytes};
  CO_TRY(in("network", co_await host_.privileged.call("nat.set", admission_of(guest))));
  co_await gating_.settle(std::move(vm_id), spec);
  co_return Result<>{};
}

// Before the admission, so that no guest is ever more open than it may be.
Task<Result<>> BridgeNetwork::limit_lan(net::Ipv4 address) {
  auto network = host_.privileged.network();
  if (network != limited_in_) limited_.clear();
  limited_in_ = network;
  if (limited_.contains(address)) co_return Result<>{};
  CO_TRY(co_await host_.privileged.call("lan.set", lan_of(address, host_.config.guest_lan)));
  if (host_.privileged.network() == network) limited_.insert(address);
  co_return Result<>{};
}

Task<Result<TakesEffect>> BridgeNetwork::change(std::string vm_id, const vm::Spec& before, const vm::Spec& after) {
  bool same = before.nat == after.nat && before.egress == after.egress && before.allow == after.allow &&
              before.net_bandwidth_bytes == after.net_bandwidth_bytes && before.secrets == after.secrets;
  if (!on_bridge(after) || same) co_return TakesEffect::after_restart;
  CO_TRY(co_await admit(std::move(vm_id), after));
  co_return TakesEffect::at_once;
}

Task<> BridgeNetwork::release(std::string vm_id) {
  if (!taps_.of(vm_id)) co_return;
  upkeep_.note_use();
  co_await gating_.release(vm_id);
  co_await taps_.release(std::move(vm_id));
  upkeep_.note_use();
}

void BridgeNetwork::forget(const std::string& vm_id) {
  leases_.forget(vm_id);
  gating_.forget(vm_id);
}

std::optional<NetworkPort> BridgeNetwork::port(std::string_view vm_id) const {
  auto lease = leases_.find(vm_id);
  const auto& bridge = device_.made();
  if (!taps_.of(vm_id) || !lease || !bridge) return std::nullopt;
  bool is_private = host_.privileged.is_private();
  return NetworkPort{.mac = net::bridge_mac(*lease),
                     .address = fmt::format("{}/{}", net::to_text(*lease), bridge->prefix),
                     .gateway = net::to_text(bridge->address),
                     .dns = {is_private ? net::to_text(bridge->address) : host_.config.default_dns},
                     .mtu = is_private ? limits::kPrivateMtu : 0,
                     .host_names = is_private,
                     .proxy = proxy_.address()};
}

std::optional<std::string> BridgeNetwork::address(std::string_view vm_id, const vm::Spec& spec) const {
  // The host is not in a private network.
  if (!on_bridge(spec) || host_.privileged.is_private()) return std::nullopt;
  auto lease = leases_.find(vm_id);
  return lease ? net::to_text(*lease) : "";
}

std::vector<Leftover> BridgeNetwork::leftovers() {
  std::vector<Leftover> found;
  if (host_.privileged.is_private()) return found;
  for (auto number : taps_.stray().value_or(std::vector<std::uint32_t>{}))
    found.push_back({"tap", net::tap_name(number), "belongs to no VM", this});
  if (!device_.recorded() && is_deserted(host_.config.bridge_name))
    found.push_back({"bridge", host_.config.bridge_name, "no VM uses it, and the journal does not have it", this});
  return found;
}

Task<Result<>> BridgeNetwork::remove(Leftover leftover) {
  auto number = leftover.kind == "tap" ? net::tap_number(leftover.path) : 0;
  if (number ? taps_.known(number) : device_.recorded()) co_return fail(ErrorCode::busy, "it is in use again");
  if (number) co_return co_await taps_.remove(number);
  CO_TRY(co_await host_.privileged.call("bridge.remove", "{}"));
  co_return Result<>{};
}

Task<std::vector<Check>> BridgeNetwork::checks() {
  auto checks = co_await check_bridge_host(host_, device_, {.vms = taps_.holders().size(), .idle_taps = idle_.size()});
  if (const auto& trouble = proxy_.trouble())
    checks.push_back({"proxy relay", CheckStatus::warn,
                      fmt::format("guests on the bridge use no proxy: {}", trouble->message), trouble->hint});
  co_return checks;
}

}  // namespace banger::capabilities
