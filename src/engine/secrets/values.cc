#include "engine/secrets/values.h"

#include <algorithm>

namespace banger::engine {

const SecretText* SecretValues::find(const std::string& vm_id, std::string_view name) const {
  auto vm = by_vm_.find(vm_id);
  if (vm == by_vm_.end()) return nullptr;
  auto found = vm->second.find(name);
  return found == vm->second.end() ? nullptr : &found->second;
}

SecretValues::Map SecretValues::of(const std::string& vm_id) const {
  auto vm = by_vm_.find(vm_id);
  return vm == by_vm_.end() ? Map() : vm->second;
}

void SecretValues::add(const std::string& vm_id, Map values) {
  for (auto& [name, value] : values) by_vm_[vm_id].insert_or_assign(name, std::move(value));
}

void SecretValues::replace(const std::string& vm_id, Map values) {
  by_vm_.erase(vm_id);
  add(vm_id, std::move(values));
}

void SecretValues::keep_only(const std::string& vm_id, const std::vector<vm::Secret>& secrets) {
  auto vm = by_vm_.find(vm_id);
  if (vm == by_vm_.end()) return;
  std::erase_if(vm->second, [&](const auto& entry) {
    return std::ranges::find(secrets, entry.first, &vm::Secret::name) == secrets.end();
  });
}

void SecretValues::inherit(const std::string& child_id, const std::string& parent_id) {
  add(child_id, of(parent_id));
  parents_[child_id] = parent_id;
}

std::string SecretValues::parent_of(const std::string& vm_id) const {
  auto found = parents_.find(vm_id);
  return found == parents_.end() ? "" : found->second;
}

void SecretValues::forget(const std::string& vm_id) {
  by_vm_.erase(vm_id);
  parents_.erase(vm_id);
}

}  // namespace banger::engine
