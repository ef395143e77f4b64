// The owner's certificate authority for the hosts of secrets. Its key is in a file of the state directory, and goes to
// the gate; guests get certificates only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "certs/authority.h"
#include "host/paths.h"
#include "vm/secret.h"

namespace banger::engine {

class OwnerAuthority {
 public:
  /// `directory`: where the key is, or will be. `label`: of a new authority.
  OwnerAuthority(std::string directory, std::string label)
      : directory_(std::move(directory)), label_(std::move(label)) {}

  /// Makes the key when it is first needed.
  Result<certs::Authority> get();
  /// The certificate (PEM) that a guest with these secrets trusts. Equal secrets have the same one in this process.
  Result<std::string> root_for(const std::vector<vm::Secret>& secrets);

 private:
  std::string directory_, label_;
  std::optional<certs::Authority> authority_;
  std::map<std::vector<std::string>, std::string> roots_;  ///< by their names
};

/// "banger of me@box".
std::string authority_label();

}  // namespace banger::engine
