#include "capabilities/bridge/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "host/endpoint.h"
#include "net/addresses.h"
#include "net/bounds.h"
#include "net/tap.h"

namespace banger::capabilities {

using store::kBridgeOwner;

namespace {

std::uint32_t number_in(const std::string& key) {
  std::uint32_t number = 0;
  std::from_chars(key.data(), key.data() + key.size(), number);
  return number;
}

bool on_bridge(const vm::Spec& spec) { return spec.network == vm::Network::bridge; }

}  // namespace

BridgeNetwork::BridgeNetwork(const ResourceHost& host)
    : runtime_(host.runtime),
      log_(host.log),
      config_(host.config),
      store_(host.store),
      privileged_(host.privileged),
      changing_(runtime_),
      wake_(runtime_) {}

Result<> BridgeNetwork::load() {
  for (const auto& lease : TRY(store_.leases())) leases_[lease.vm_id] = lease.address;
  for (const auto& entry : TRY(store_.journal())) {
    if (entry.kind == "bridge") recorded_ = true;
    if (entry.kind != "tap") continue;
    auto number = number_in(entry.key);
    // The VM of a tap decides about that tap. Idle taps have lost their descriptor, so they are removed.
    if (entry.owner != kBridgeOwner)
      attached_[entry.owner] = number;
    else
      to_remove_[number] = entry.owner;
  }
  return {};
}

Task<Result<>> BridgeNetwork::resolve(vm::NetworkChoice asked, vm::Spec& spec) {
  using enum vm::NetworkChoice;
  if (asked == user || (asked == automatic && !installed())) co_return Result<>{};
  if (!privileged_.available())
    co_return fail(ErrorCode::unavailable, "bridge networking needs root, and there is no root helper",
                   "use user-mode networking: --network user");
  CO_TRY(wanted());
  // Every other failure can be repaired. `acquire` reports it.
  auto made = asked == bridge || bridge_ ? Result<>{} : co_await ensure();
  if (made || made.error().code != ErrorCode::unsupported) spec.network = vm::Network::bridge;
  co_return Result<>{};
}

Result<net::Bridge> BridgeNetwork::wanted() const {
  net::Bridge bridge{.name = config_.bridge_name,
                     .address = TRY(in("bridge_ip", net::parse_ipv4(config_.bridge_ip))),
                     .prefix = config_.cidr};
  TRY(net::check_bridge(bridge));
  TRY(in("default_dns", net::parse_ipv4(config_.default_dns)));
  return bridge;
}

Task<Result<>> BridgeNetwork::ensure() {
  auto turn = co_await changing_.lock();
  if (closing_) co_return fail(ErrorCode::cancelled, "the daemon is ending");
  auto made = co_await make_bridge();
  if (made)
    trouble_.reset();
  else
    trouble_ = made.error();
  co_return made;
}

Task<Result<>> BridgeNetwork::make_bridge() {
  if (!recorded_) CO_TRY(store_.add_journal({0, kBridgeOwner, "bridge", config_.bridge_name}));
  recorded_ = true;
  auto reply = CO_TRY(co_await privileged_.call("bridge.ensure", "{}"));
  auto json = CO_TRY(in("bridge.ensure", parse_json(reply.result, limits::kRpcMessageBytes)));
  net::Bridge bridge{.name = CO_TRY(get_string(json, "name")),
                     .address = CO_TRY(net::parse_ipv4(CO_TRY(get_string(json, "address"))))};
  bridge.prefix = static_cast<std::uint32_t>(CO_TRY(get_int(json, "prefix")));
  CO_TRY(in("bridge.ensure", net::check_bridge(bridge)));
  bridge_ = std::move(bridge);
  runtime_.spawn(route_names());
  co_return Result<>{};
}

// Names are optional, and a host without systemd-resolved has other ways (docs/dns-routing.md). So a failure is logged
// and is never an error. The settings belong to the bridge, and are removed with it.
Task<> BridgeNetwork::route_names() {
  auto server = host::parse_endpoint(config_.dns_listen_addr);
  // The helper accepts no other address.
  if (!server || host::ipv4_text(server->address) != "127.0.0.1") co_return;
  auto routed = co_await privileged_.call("dns.route", dump_json({{"port", server->port}}));
  if (routed)
    log_.info("dns.routed", {{"bridge", config_.bridge_name}});
  else
    log_.info("dns.not_routed", {{"why", routed.error().message}});
}

// A VM keeps its address for as long as the range contains that address.
Result<net::Ipv4> BridgeNetwork::lease_for(const std::string& vm_id) const {
  auto range = bridge_->range();
  if (auto it = leases_.find(vm_id);
      it != leases_.end() && range.contains(it->second) && it->second != bridge_->address)
    return it->second;
  std::vector<net::Ipv4> taken;
  for (const auto& [owner, address] : leases_) taken.push_back(address);
  if (auto address = net::free_address(range, bridge_->address, taken)) return *address;
  return fail(ErrorCode::exhausted, fmt::format("all addresses of {} are leased", range.text()),
              "delete VMs that are not needed, or set a smaller cidr in the config");
}

bool BridgeNetwork::is_known(std::uint32_t number) const {
  return to_remove_.contains(number) || under_way_.contains(number) ||
         std::any_of(attached_.begin(), attached_.end(), [&](const auto& tap) { return tap.second == number; }) ||
         std::any_of(idle_.begin(), idle_.end(), [&](const Idle& idle) { return idle.number == number; });
}

Result<std::uint32_t> BridgeNetwork::free_number() const {
  auto there = TRY(net::list_taps());
  for (std::uint32_t number = 1; number <= limits::kTaps; ++number)
    if (!is_known(number) && std::find(there.begin(), there.end(), number) == there.end()) return number;
  return fail(ErrorCode::exhausted, fmt::format("there are {} taps already", limits::kTaps),
              "run banger gc: it removes taps that belong to no VM");
}

Task<Result<UniqueFd>> BridgeNetwork::create_tap(std::uint32_t number) {
  auto reply = CO_TRY(co_await privileged_.call("tap.create", dump_json({{"tap", number}})));
  if (reply.fds.size() != 1)
    co_return fail(ErrorCode::internal, fmt::format("tap.create sent {} descriptors instead of 1", reply.fds.size()));
  co_return std::move(reply.fds.front());
}

Task<Result<UniqueFd>> BridgeNetwork::attach(std::string vm_id) {
  note_use();
  if (!bridge_) CO_TRY(co_await ensure());
  UniqueFd tap;
  std::uint32_t number = 0;
  if (!idle_.empty()) {
    number = idle_.back().number;
    tap = std::move(idle_.back().tap);
    idle_.pop_back();
  } else {
    number = CO_TRY(free_number());
  }
  // The tap is recorded as the VM's, in memory and in the store, before anything else can happen to either.
  auto address = CO_TRY(lease_for(vm_id));
  CO_TRY(store_.record_lease({vm_id, address}, fmt::to_string(number)));
  leases_[vm_id] = address;
  attached_[vm_id] = number;
  wake_.notify_all();
  if (tap) co_return tap;
  auto made = co_await create_tap(number);
  if (made) co_return made;
  // Another program may have removed the bridge. Make the bridge again.
  CO_TRY(co_await ensure());
  co_return co_await create_tap(number);
}

Task<Result<>> BridgeNetwork::acquire(const VmContext& vm, machine::MachineConfig& config) {
  if (!on_bridge(vm.spec)) co_return Result<>{};
  // Removes the tap of a start that was interrupted.
  co_await release(vm.id);
  auto tap = CO_TRY(in("network", co_await attach(vm.id)));
  config.taps.push_back({.mac = net::bridge_mac(leases_[vm.id]),
                         .device = net::tap_name(attached_[vm.id]),
                         .fd = std::make_shared<UniqueFd>(std::move(tap))});
  co_return Result<>{};
}

// After the start of the machine, so that the start does not wait for nft. The tap drops all packets until then, and no
// guest boots that fast.
Task<Result<>> BridgeNetwork::admit(std::string vm_id, const vm::Spec& spec) {
  if (!on_bridge(spec)) co_return Result<>{};
  auto tap = attached_.find(vm_id);
  if (tap == attached_.end()) co_return fail(ErrorCode::internal, "network: the VM has no tap on the bridge");
  Json arguments = {{"tap", tap->second}, {"address", net::to_text(leases_[vm_id])}, {"nat", spec.nat}};
  if (!bridge_) CO_TRY(in("network", co_await ensure()));
  CO_TRY(in("network", co_await privileged_.call("nat.set", dump_json(arguments))));
  co_return Result<>{};
}

Task<Result<TakesEffect>> BridgeNetwork::change(std::string vm_id, const vm::Spec& before, const vm::Spec& after) {
  if (!on_bridge(after) || before.nat == after.nat) co_return TakesEffect::after_restart;
  CO_TRY(co_await admit(std::move(vm_id), after));
  co_return TakesEffect::at_once;
}

Task<Result<>> BridgeNetwork::delete_tap(std::uint32_t number, std::string owner) {
  under_way_.insert(number);
  auto gone = co_await privileged_.call("tap.delete", dump_json({{"tap", number}}));
  under_way_.erase(number);
  if (!gone) co_return std::unexpected(std::move(gone).error());
  co_return store_.remove_journal(owner, "tap", fmt::to_string(number));
}

Task<> BridgeNetwork::release(std::string vm_id) {
  auto tap = attached_.find(vm_id);
  if (tap == attached_.end()) co_return;
  auto number = tap->second;
  attached_.erase(tap);
  note_use();
  if (auto gone = co_await delete_tap(number, vm_id); !gone) {
    log_.warn("bridge.leave_failed",
              {{"id", vm_id}, {"tap", net::tap_name(number)}, {"error", gone.error().sentence()}});
    // The tap belongs to the bridge from now on, because the VM may be deleted before the removal succeeds.
    (void)store_.add_journal({0, kBridgeOwner, "tap", fmt::to_string(number)});
    (void)store_.remove_journal(vm_id, "tap", fmt::to_string(number));
    to_remove_[number] = kBridgeOwner;
  }
  wake_.notify_all();
}

std::vector<std::string> BridgeNetwork::holders() const {
  std::vector<std::string> ids;
  for (const auto& [vm_id, number] : attached_) ids.push_back(vm_id);
  return ids;
}

std::optional<NetworkPort> BridgeNetwork::port(std::string_view vm_id) const {
  auto lease = leases_.find(vm_id);
  if (!attached_.contains(vm_id) || lease == leases_.end() || !bridge_) return std::nullopt;
  return NetworkPort{.mac = net::bridge_mac(lease->second),
                     .address = fmt::format("{}/{}", net::to_text(lease->second), bridge_->prefix),
                     .gateway = net::to_text(bridge_->address),
                     .dns = {config_.default_dns}};
}

std::optional<std::string> BridgeNetwork::address(std::string_view vm_id, const vm::Spec& spec) const {
  if (!on_bridge(spec)) return std::nullopt;
  auto lease = leases_.find(vm_id);
  return lease == leases_.end() ? "" : net::to_text(lease->second);
}

}  // namespace banger::capabilities
