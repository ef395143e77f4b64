#include "roles/gate/guests.h"

#include <fmt/format.h>

#include <algorithm>

#include "roles/gate/bounds.h"

namespace banger::roles::gate {

egress::Instant now() { return std::chrono::steady_clock::now(); }

egress::WallTime wall_time() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

const egress::Policy& Guest::policy_for(Destination to) {
  if (all_.is_own_(to.address) && !policy_.is_of_host(to.address)) {
    auto addresses = all_.host_;
    addresses.push_back(to.address);
    all_.set_host(std::move(addresses));
  }
  return policy_;
}

TlsParts& Guest::tls() { return all_.tls_; }

void Guest::note(const egress::LogEvent& event) {
  log_.add(event, wall_time());
  if (event.reason == egress::Reason::allowed) return;
  auto rows = log_.since(log_.last_sequence() - 1);
  if (rows.empty() || rows.back().count > 1) return;
  all_.add_refusal(vm_id_, egress::to_sentence(event.reason, event.name, event.address, event.port));
}

GuestPtr Guests::at(net::Ipv4 address) const {
  auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

GuestPtr Guests::find(const std::string& vm_id) const {
  auto found = by_id_.find(vm_id);
  return found == by_id_.end() ? nullptr : found->second;
}

Result<> Guests::set(const std::string& vm_id, net::Ipv4 address, egress::Policy policy, egress::Secrets secrets) {
  if (!secrets.empty() && (!tls_.issuer || !tls_.trust))
    return fail(ErrorCode::invalid, "secrets need a certificate authority and trusted CAs",
                "call gate.authority and gate.trust before");
  if (auto other = at(address); other && other->vm_id_ != vm_id) clear(other->vm_id_);
  if (!by_id_.contains(vm_id) && by_id_.size() >= limits::kGatedGuests && !drop_ended())
    return fail(ErrorCode::exhausted, fmt::format("{} VMs have egress policies already", limits::kGatedGuests));
  auto& guest = by_id_[vm_id];
  if (!guest) guest = std::make_shared<Guest>(vm_id, *this);
  if (guest->address_ != address) by_address_.erase(guest->address_);
  by_address_[address] = guest;
  guest->address_ = address;
  policy.set_peers(peers_);
  policy.set_host_addresses(host_);
  guest->policy_ = std::move(policy);
  guest->secrets_ = std::move(secrets);
  ++guest->generation_;
  const auto& current = guest->policy_;
  guest->openings_.revise([&](net::Ipv4, const std::string& name) { return current.ports_of(name); }, now());
  for (auto* passage : std::set(guest->passages_))
    if (!passage->is_allowed_by(current)) passage->cut();
  return {};
}

// A VM that does not run has only a log here.
bool Guests::drop_ended() {
  auto ended = std::ranges::find_if(by_id_, [](const auto& entry) { return entry.second->address_ == 0; });
  if (ended == by_id_.end()) return false;
  by_id_.erase(ended);
  return true;
}

// Connections that exist go on.
void Guests::set_host(std::vector<net::Ipv4> addresses) {
  host_ = std::move(addresses);
  for (const auto& [id, guest] : by_id_) guest->policy_.set_host_addresses(host_);
}

void Guests::clear(const std::string& vm_id) {
  auto guest = find(vm_id);
  if (!guest) return;
  by_address_.erase(guest->address_);
  guest->address_ = 0;
  ++guest->generation_;
  guest->secrets_ = {};
  guest->openings_.clear();
  for (auto* passage : std::set(guest->passages_)) passage->cut();
}

void Guests::forget(const std::string& vm_id) {
  clear(vm_id);
  by_id_.erase(vm_id);
}

std::vector<Refusal> Guests::refusals_after(std::uint64_t sequence) const {
  std::vector<Refusal> found;
  for (const auto& refusal : refusals_)
    if (refusal.sequence > sequence) found.push_back(refusal);
  return found;
}

void Guests::add_refusal(std::string vm_id, std::string sentence) {
  refusals_.push_back({++last_refusal_, std::move(vm_id), std::move(sentence)});
  if (refusals_.size() > limits::kRefusals) refusals_.pop_front();
  refused_.notify_all();
}

std::size_t Guests::passages() const {
  std::size_t count = 0;
  for (const auto& [id, guest] : by_id_) count += guest->passages_.size();
  return count;
}

}  // namespace banger::roles::gate
