// The values of secrets that clients gave, by VM. In memory only: no record, saved state or log has them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/secrets/secret_text.h"
#include "vm/secret.h"

namespace banger::engine {

class SecretValues {
 public:
  using Map = std::map<std::string, SecretText, std::less<>>;

  const SecretText* find(const std::string& vm_id, std::string_view name) const;
  Map of(const std::string& vm_id) const;
  /// Values of other names stay.
  void add(const std::string& vm_id, Map values);
  /// All others of the VM go.
  void replace(const std::string& vm_id, Map values);
  /// Drops the values of secrets that the VM does not have any more.
  void keep_only(const std::string& vm_id, const std::vector<vm::Secret>& secrets);
  /// The child of a fork has its parent's values, also those that only the gate knows after a restart of the daemon.
  void inherit(const std::string& child_id, const std::string& parent_id);
  /// Empty for a VM that is no child.
  std::string parent_of(const std::string& vm_id) const;
  void forget(const std::string& vm_id);

 private:
  std::map<std::string, Map> by_vm_;
  std::map<std::string, std::string> parents_;
};

}  // namespace banger::engine
