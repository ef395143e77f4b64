// The link to a VM's agent: found when a machine comes up, found again when the agent or the channel restarts, and what
// is known of the guest by it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/vm/record.h"
#include "host/runtime.h"
#include "link/link.h"
#include "machine/machine.h"

namespace banger::engine {

/// While it is on, the agent keeps commands alive whose client is gone: in a copy of the guest all of them are.
enum class Hold { off, on };

class AgentLink : public std::enable_shared_from_this<AgentLink> {
 public:
  using Machine = std::shared_ptr<machine::Machine>;
  using GivenUp = std::function<bool()>;

  /// What the agent may answer to, raw bytes: the VM's own token first, then that of a guest without its identity.
  using Tokens = std::function<Result<std::vector<std::string>>()>;
  /// Gives the guest its identity.
  using Identify = std::function<Task<Result<>>(std::shared_ptr<link::Client> client)>;

  AgentLink(host::Runtime& runtime, const Logger& log, std::shared_ptr<VmRecord> record, Tokens tokens,
            Identify identify)
      : runtime_(runtime),
        log_(log),
        record_(std::move(record)),
        tokens_(std::move(tokens)),
        identify_(std::move(identify)) {}

  /// Waits until the agent answers, and keeps the link from then on for as long as the machine runs. `unavailable` when
  /// the machine ends first, `cancelled` when the caller has given up, `timeout`. The guest's identity is the caller's.
  Task<Result<>> connect(Machine machine, std::chrono::milliseconds patience, GivenUp given_up);
  /// The same for a machine that was found running: nobody waits.
  void keep(Machine machine);

  /// The link, waiting for a reconnect up to the deadline while the VM's state allows one.
  Task<Result<std::shared_ptr<link::Client>>> client(host::Deadline deadline);
  /// Null while the agent does not answer.
  std::shared_ptr<link::Client> client() const { return up() ? client_ : nullptr; }
  bool up() const { return client_ && client_->alive(); }

  /// The guest's init has reached its boot target.
  bool system_up() const { return system_up_; }
  Task<Result<>> wait_system(std::chrono::milliseconds patience, GivenUp given_up);

  Task<Result<>> hold(Hold hold);

  /// Closes the link; another may be found while the machine runs.
  void drop();
  /// The machine has ended.
  void close();

 private:
  Task<Result<>> wait_for(Machine machine, std::chrono::milliseconds patience, GivenUp given_up);
  Task<Result<std::shared_ptr<link::Client>>> reopen(Machine machine);
  void use(std::shared_ptr<link::Client> client);
  static Task<> reconnect(std::shared_ptr<AgentLink> self, Machine machine);
  static Task<> watch_system(std::shared_ptr<AgentLink> self, std::shared_ptr<link::Client> client);

  host::Runtime& runtime_;
  const Logger& log_;
  std::shared_ptr<VmRecord> record_;
  Tokens tokens_;
  Identify identify_;
  Machine machine_;  ///< whose link is kept
  std::shared_ptr<link::Client> client_;
  bool system_up_ = false;
  bool system_wanted_ = false;  ///< someone waits for it
};

}  // namespace banger::engine
