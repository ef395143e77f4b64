// A host resource without a real host. Each VM holds a parcel, and the tests look into the set of all parcels. A new
// resource needs only one file like this one, and its name in a list.
#pragma once

#include <set>

#include "capabilities/resource_host.h"

namespace banger::test {

/// The parcels on the toy host, and the calls of the resources in order.
struct ToyHost {
  std::set<std::string> parcels;  ///< "toy of abc"
  std::vector<std::string> calls;
  bool stuck = false;  ///< parcels cannot be removed
};

class ToyResource final : public capabilities::HostResource {
 public:
  ToyResource(std::string name, ToyHost& host, store::Store& store)
      : name_(std::move(name)), host_(host), store_(store) {}

  std::string_view name() const override { return name_; }
  Result<> load() override {
    for (const auto& entry : TRY(store_.journal()))
      if (entry.kind == name_) held_.insert(entry.key);
    return {};
  }
  Task<Result<>> resolve(vm::NetworkChoice asked, vm::Spec& spec) override {
    if (asked == vm::NetworkChoice::bridge) spec.network = vm::Network::bridge;
    co_return Result<>{};
  }
  Result<> check(const vm::Spec& spec) const override {
    if (spec.labels.contains("no " + name_)) return fail(ErrorCode::unsupported, "no " + name_, "do without");
    return {};
  }
  Task<Result<>> acquire(const capabilities::VmContext& vm, machine::MachineConfig& config) override {
    host_.calls.push_back("acquire " + name_);
    CO_TRY(store_.add_journal({0, "toys", name_, vm.id}));
    held_.insert(vm.id);
    if (fails) co_return fail(ErrorCode::exhausted, "no more parcels");
    host_.parcels.insert(parcel(vm.id));
    config.taps.push_back({.mac = "", .device = name_});
    co_return Result<>{};
  }
  Task<Result<>> admit(std::string, const vm::Spec&) override {
    host_.calls.push_back("admit " + name_);
    co_return Result<>{};
  }
  Task<Result<capabilities::TakesEffect>> change(std::string, const vm::Spec& before, const vm::Spec& after) override {
    bool mine = before.labels != after.labels && after.labels.contains(name_);
    co_return mine ? capabilities::TakesEffect::at_once : capabilities::TakesEffect::after_restart;
  }
  Task<> release(std::string vm_id) override {
    host_.calls.push_back("release " + name_);
    if (host_.stuck) co_return;
    host_.parcels.erase(parcel(vm_id));
    held_.erase(vm_id);
    (void)store_.remove_journal("toys", name_, vm_id);
  }
  std::vector<std::string> holders() const override { return {held_.begin(), held_.end()}; }
  std::optional<capabilities::NetworkPort> port(std::string_view vm_id) const override {
    if (!held_.contains(std::string(vm_id))) return std::nullopt;
    return capabilities::NetworkPort{.mac = name_, .address = "", .gateway = "", .dns = {}};
  }
  std::vector<capabilities::Leftover> leftovers() override {
    std::vector<capabilities::Leftover> found;
    for (const auto& parcel : host_.parcels)
      if (parcel.starts_with(name_) && !held_.contains(parcel.substr(name_.size() + 4)))
        found.push_back({"parcel", parcel, "belongs to no VM", this});
    return found;
  }
  Task<Result<>> remove(capabilities::Leftover leftover) override {
    host_.parcels.erase(leftover.path);
    co_return Result<>{};
  }
  Task<std::vector<capabilities::Check>> checks() override {
    co_return std::vector{capabilities::Check{name_, capabilities::CheckStatus::pass, "parcels work", ""}};
  }

  bool fails = false;

 private:
  std::string parcel(const std::string& vm_id) const { return name_ + " of " + vm_id; }

  std::string name_;
  ToyHost& host_;
  store::Store& store_;
  std::set<std::string> held_;
};

}  // namespace banger::test
