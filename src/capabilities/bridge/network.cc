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

}  // namespace

BridgeNetwork::BridgeNetwork(host::Runtime& runtime, const Logger& log, const config::Config& config,
                             store::Store& store, Privileged& privileged, std::function<bool()> installed)
    : runtime_(runtime),
      log_(log),
      config_(config),
      store_(store),
      privileged_(privileged),
      installed_(std::move(installed)),
      changing_(runtime),
      wake_(runtime) {}

Result<> BridgeNetwork::load() {
  for (const auto& lease : TRY(store_.leases())) leases_[lease.vm_id] = lease.address;
  for (const auto& entry : TRY(store_.journal())) {
    if (entry.kind == "bridge") recorded_ = true;
    if (entry.kind != "tap") continue;
    auto number = number_in(entry.key);
    // Of a VM: its owner says what becomes of it. Idle ones have lost their descriptor.
    if (entry.owner != kBridgeOwner)
      seats_[entry.owner] = number;
    else
      doomed_[number] = entry.owner;
  }
  return {};
}

Task<Result<vm::Network>> BridgeNetwork::choose(vm::NetworkChoice wanted) {
  using enum vm::NetworkChoice;
  if (wanted == user || (wanted == automatic && !installed_())) co_return vm::Network::user;
  if (!privileged_.available())
    co_return fail(ErrorCode::unavailable, "bridge networking needs root, and there is no root helper",
                   "use user-mode networking: --network user");
  CO_TRY(this->wanted());
  if (wanted == bridge || bridge_) co_return vm::Network::bridge;
  // Anything else that is wrong can be mended, and is told.
  auto made = co_await ensure();
  bool without = !made && made.error().code == ErrorCode::unsupported;
  co_return without ? vm::Network::user : vm::Network::bridge;
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

// Names are a comfort, and a host without systemd-resolved has other ways (docs/dns-routing.md): logged, never an
// error. The settings are the bridge's, and go with it.
Task<> BridgeNetwork::route_names() {
  auto server = host::parse_endpoint(config_.dns_listen_addr);
  // The helper tells resolved of no other address.
  if (!server || host::ipv4_text(server->address) != "127.0.0.1") co_return;
  auto routed = co_await privileged_.call("dns.route", fmt::format(R"({{"port":{}}})", server->port));
  if (routed)
    log_.info("dns.routed", {{"bridge", config_.bridge_name}});
  else
    log_.info("dns.not_routed", {{"why", routed.error().message}});
}

// A VM keeps its address for as long as the range has it.
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
  return doomed_.contains(number) || under_way_.contains(number) ||
         std::any_of(seats_.begin(), seats_.end(), [&](const auto& seat) { return seat.second == number; }) ||
         std::any_of(idle_.begin(), idle_.end(), [&](const Idle& idle) { return idle.number == number; });
}

Result<std::uint32_t> BridgeNetwork::free_number() const {
  auto there = TRY(net::list_taps());
  for (std::uint32_t number = 1; number <= limits::kTaps; ++number)
    if (!is_known(number) && std::find(there.begin(), there.end(), number) == there.end()) return number;
  return fail(ErrorCode::exhausted, fmt::format("there are {} taps already", limits::kTaps),
              "banger gc removes those that belong to nobody");
}

Task<Result<UniqueFd>> BridgeNetwork::create_tap(std::uint32_t number) {
  auto reply = CO_TRY(co_await privileged_.call("tap.create", dump_json({{"tap", number}})));
  if (reply.fds.size() != 1)
    co_return fail(ErrorCode::internal, fmt::format("tap.create gave {} descriptors", reply.fds.size()));
  co_return std::move(reply.fds.front());
}

Task<Result<UniqueFd>> BridgeNetwork::join(std::string vm_id) {
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
  // Recorded as the VM's in memory and in the store before anything else can happen to either.
  auto address = CO_TRY(lease_for(vm_id));
  CO_TRY(store_.take_seat({vm_id, address}, fmt::to_string(number)));
  leases_[vm_id] = address;
  seats_[vm_id] = number;
  wake_.notify_all();
  if (tap) co_return tap;
  auto made = co_await create_tap(number);
  if (made) co_return made;
  // A bridge that someone removed behind our back is made again.
  CO_TRY(co_await ensure());
  co_return co_await create_tap(number);
}

Task<Result<>> BridgeNetwork::let_on(std::string vm_id, bool nat) {
  auto seat = seats_.find(vm_id);
  if (seat == seats_.end()) co_return fail(ErrorCode::internal, "it has no place on the bridge");
  if (!bridge_) CO_TRY(co_await ensure());
  Json arguments = {{"tap", seat->second}, {"address", net::to_text(leases_[vm_id])}, {"nat", nat}};
  CO_TRY(co_await privileged_.call("nat.set", dump_json(arguments)));
  co_return Result<>{};
}

Task<Result<>> BridgeNetwork::delete_tap(std::uint32_t number, std::string owner) {
  under_way_.insert(number);
  auto gone = co_await privileged_.call("tap.delete", dump_json({{"tap", number}}));
  under_way_.erase(number);
  if (!gone) co_return std::unexpected(std::move(gone).error());
  co_return store_.remove_journal(owner, "tap", fmt::to_string(number));
}

Task<> BridgeNetwork::leave(std::string vm_id) {
  auto seat = seats_.find(vm_id);
  if (seat == seats_.end()) co_return;
  auto number = seat->second;
  seats_.erase(seat);
  note_use();
  if (auto gone = co_await delete_tap(number, vm_id); !gone) {
    log_.warn("bridge.leave_failed",
              {{"id", vm_id}, {"tap", net::tap_name(number)}, {"error", gone.error().sentence()}});
    // Nobody's from now on: the VM may be deleted before this succeeds.
    (void)store_.add_journal({0, kBridgeOwner, "tap", fmt::to_string(number)});
    (void)store_.remove_journal(vm_id, "tap", fmt::to_string(number));
    doomed_[number] = kBridgeOwner;
  }
  wake_.notify_all();
}

std::optional<BridgePort> BridgeNetwork::port(std::string_view vm_id) const {
  auto seat = seats_.find(vm_id);
  auto lease = leases_.find(vm_id);
  if (seat == seats_.end() || lease == leases_.end() || !bridge_) return std::nullopt;
  return BridgePort{.device = net::tap_name(seat->second),
                    .mac = net::bridge_mac(lease->second),
                    .address = fmt::format("{}/{}", net::to_text(lease->second), bridge_->prefix),
                    .gateway = net::to_text(bridge_->address),
                    .dns = {config_.default_dns}};
}

std::string BridgeNetwork::address(std::string_view vm_id) const {
  auto lease = leases_.find(vm_id);
  return lease == leases_.end() ? "" : net::to_text(lease->second);
}

}  // namespace banger::capabilities
