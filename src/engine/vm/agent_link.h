// The link to a VM's agent. The class connects when a machine starts, and reconnects when the agent or the channel
// restarts. It also knows whether the guest's system is up.
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

/// While a hold is on, the agent keeps commands alive even when their clients are gone. In a copy of the guest all
/// clients are gone.
enum class Hold { off, on };

class AgentLink : public std::enable_shared_from_this<AgentLink> {
 public:
  using Machine = std::shared_ptr<machine::Machine>;
  using GivenUp = std::function<bool()>;

  /// The tokens that the agent may answer to, as raw bytes. The VM's own token is the first. The token of a guest
  /// that has not got its identity yet follows.
  using Tokens = std::function<Result<std::vector<std::string>>()>;
  /// Gives the guest behind `client` its identity.
  using Identify = std::function<Task<Result<>>(std::shared_ptr<link::Client> client)>;

  AgentLink(host::Runtime& runtime, const Logger& log, std::shared_ptr<VmRecord> record, Tokens tokens,
            Identify identify)
      : runtime_(runtime),
        log_(log),
        record_(std::move(record)),
        tokens_(std::move(tokens)),
        identify_(std::move(identify)) {}

  /// Waits until the agent answers. From then on the class maintains the link for as long as the machine runs.
  /// Errors: `unavailable` when the machine ends first, `cancelled` when the caller has given up, `timeout`.
  /// The caller gives the guest its identity.
  Task<Result<>> connect(Machine machine, std::chrono::milliseconds timeout, GivenUp given_up);
  /// Maintains the link to a machine that was found running. Does not wait for the agent.
  void keep(Machine machine);

  /// The link, for a request that an owner waits for: its errors name the VM. Waits for a reconnect until the deadline,
  /// while the VM's state allows a link. `unavailable` at once, with the reason, for a guest that the VMM has paused.
  /// `timeout` after a few seconds for a guest that was silent before and is still silent.
  Task<Result<std::shared_ptr<link::Client>>> client(host::Deadline deadline);
  /// The link for the engine's own requests. Null while the agent does not answer.
  std::shared_ptr<link::Client> client() const { return up() ? client_ : nullptr; }
  bool up() const { return client_ && client_->alive(); }
  /// The link is up, but the guest has not answered the last question. It may only be slow.
  bool silent() const { return up() && silent_; }
  /// Silence ends file transfers, while commands and tunnels wait.
  void set_silent(bool silent);

  /// The guest's init has reached its boot target.
  bool system_up() const { return system_up_; }
  Task<Result<>> wait_system(std::chrono::milliseconds timeout, GivenUp given_up);

  Task<Result<>> hold(Hold hold);
  /// Call this after the machine was paused, because the guest's clock stood still. A failure is only logged.
  Task<> correct_clock();

  /// Closes the link. A reconnect may follow while the machine runs.
  void drop();
  /// Closes the link for good: the machine has ended.
  void close();

 private:
  Task<Result<>> wait_for(Machine machine, std::chrono::milliseconds timeout, GivenUp given_up);
  Task<Result<std::shared_ptr<link::Client>>> reopen(Machine machine);
  Task<Result<std::shared_ptr<link::Client>>> reach(host::Deadline deadline);
  Task<Result<>> check_silence(host::Deadline deadline);
  void use(std::shared_ptr<link::Client> client);
  static Task<> reconnect(std::shared_ptr<AgentLink> self, Machine machine);
  static Task<> watch_system(std::shared_ptr<AgentLink> self, std::shared_ptr<link::Client> client);

  host::Runtime& runtime_;
  const Logger& log_;
  std::shared_ptr<VmRecord> record_;
  Tokens tokens_;
  Identify identify_;
  Machine machine_;  ///< the machine that the link leads to
  std::shared_ptr<link::Client> client_;
  bool system_up_ = false;
  bool system_wanted_ = false;  ///< a caller waits for the system
  bool silent_ = false;
};

}  // namespace banger::engine
