// The secrets of all VMs in the daemon: their values, the places of values that the config names, and the owner's
// authority for their hosts.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "engine/secrets/authority.h"
#include "engine/secrets/values.h"
#include "host/runtime.h"

namespace banger::engine {

class Secrets {
 public:
  Secrets(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config)
      : runtime_(runtime),
        log_(log),
        paths_(paths),
        config_(config),
        authority_(paths.state + "/secrets", authority_label()),
        running_commands_(runtime) {}

  SecretValues& values() { return values_; }
  OwnerAuthority& authority() { return authority_; }

  /// Whether each of the secrets has a value: of `given`, which a client gave, or of the config's file or command. The
  /// error has a way out. Commands run, whatever their last output was. `vm_id`: the VM that has values already; may be
  /// empty.
  Task<Result<>> check(std::vector<vm::Secret> secrets, SecretValues::Map given, std::string vm_id = "");

  /// What the gate gets for one secret. Without a value, the gate keeps the one that it has.
  struct Delivery {
    vm::Secret secret;
    std::optional<SecretText> value;
  };
  /// `again`: runs each command. `fresh`: runs those whose output is old. `at_hand`: never waits for a command.
  enum class Effort { again, fresh, at_hand };
  Task<std::vector<Delivery>> gather(std::string vm_id, std::vector<vm::Secret> secrets, Effort effort);
  /// Whether gather() with Effort::at_hand may have left out a value that a command would give.
  bool needs_command(const std::vector<vm::Secret>& secrets) const;

  /// What the gate said about the VM's secrets: the names of those without a value.
  void note_missing(const std::string& vm_id, std::set<std::string> names);
  /// The gate serves the VM no more.
  void forget_missing(const std::string& vm_id) { missing_.erase(vm_id); }
  bool is_available(const std::string& vm_id, const std::string& name) const;
  void forget(const std::string& vm_id);

 private:
  struct Output {
    SecretText value;
    host::Clock::time_point at;
  };
  const config::SecretSource* place_of(const std::string& name) const;
  Task<Result<SecretText>> read(std::string name, config::SecretSource source, Effort effort);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  SecretValues values_;
  OwnerAuthority authority_;
  host::Mutex running_commands_;
  std::map<std::string, Output> outputs_;                 ///< of commands, by the secret's name
  std::map<std::string, std::set<std::string>> missing_;  ///< by VM
};

/// The sentence for a VM whose secret has no value.
std::string missing_sentence(const std::string& vm, const vm::Secret& secret);

}  // namespace banger::engine
