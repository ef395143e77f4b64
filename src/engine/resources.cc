#include "engine/resources.h"

#include <ranges>

namespace banger::engine {

using capabilities::TakesEffect;

namespace {

HostResources::List make_all(const capabilities::ResourceHost& host) {
  HostResources::List list;
  for (const auto* capability : capabilities::all())
    if (capability->resource) list.push_back(capability->resource(host));
  return list;
}

}  // namespace

HostResources::HostResources(const capabilities::ResourceHost& host) : list_(make_all(host)) {}

Result<> HostResources::load() {
  for (auto& resource : list_) TRY(in(resource->name(), resource->load()));
  return {};
}

Task<Result<>> HostResources::resolve(vm::NetworkChoice asked, vm::Spec& spec) {
  spec.network = vm::Network::user;
  for (auto& resource : list_) CO_TRY(co_await resource->resolve(asked, spec));
  co_return Result<>{};
}

Result<> HostResources::check(const vm::Spec& spec) const {
  for (const auto& resource : list_) TRY(resource->check(spec));
  return {};
}

Task<Result<>> HostResources::acquire(capabilities::VmContext& vm, machine::MachineConfig& config) {
  for (auto& resource : list_) CO_TRY(co_await resource->acquire(vm, config));
  vm.port = port(vm.id);
  co_return Result<>{};
}

Task<Result<>> HostResources::admit(std::string vm_id, const vm::Spec& spec) {
  for (auto& resource : list_) CO_TRY(co_await resource->admit(vm_id, spec));
  co_return Result<>{};
}

Task<Result<TakesEffect>> HostResources::change(std::string vm_id, const vm::Spec& before, const vm::Spec& after) {
  auto takes_effect = TakesEffect::after_restart;
  for (auto& resource : list_)
    if (CO_TRY(co_await resource->change(vm_id, before, after)) == TakesEffect::at_once)
      takes_effect = TakesEffect::at_once;
  co_return takes_effect;
}

Task<Result<>> HostResources::flush(std::string vm_id) {
  for (auto& resource : list_) CO_TRY(co_await resource->flush(vm_id));
  co_return Result<>{};
}

Task<> HostResources::release_all(std::string vm_id) {
  for (auto& resource : std::views::reverse(list_)) co_await resource->release(vm_id);
}

void HostResources::forget(const std::string& vm_id) {
  for (auto& resource : list_) resource->forget(vm_id);
}

std::set<std::string> HostResources::holders() const {
  std::set<std::string> ids;
  for (const auto& resource : list_)
    for (auto& id : resource->holders()) ids.insert(std::move(id));
  return ids;
}

std::optional<std::string> HostResources::address(std::string_view vm_id, const vm::Spec& spec) const {
  for (const auto& resource : list_)
    if (auto address = resource->address(vm_id, spec)) return address;
  return std::nullopt;
}

std::optional<capabilities::NetworkPort> HostResources::port(std::string_view vm_id) const {
  for (const auto& resource : list_)
    if (auto port = resource->port(vm_id)) return port;
  return std::nullopt;
}

std::vector<capabilities::Leftover> HostResources::leftovers() {
  std::vector<capabilities::Leftover> found;
  for (auto& resource : list_)
    for (auto& leftover : resource->leftovers()) found.push_back(std::move(leftover));
  return found;
}

Task<std::vector<capabilities::Check>> HostResources::checks() {
  std::vector<capabilities::Check> checks;
  for (auto& resource : list_)
    for (auto& check : co_await resource->checks()) checks.push_back(std::move(check));
  co_return checks;
}

void HostResources::run(host::Runtime& runtime, host::Foreground& foreground) {
  for (auto& resource : list_) runtime.spawn(resource->run(foreground));
}

Task<> HostResources::close() {
  for (auto& resource : std::views::reverse(list_)) co_await resource->close();
}

}  // namespace banger::engine
