// The private network of an owner, as the daemon uses it. The daemon starts the network keeper
// (roles/network) when an operation needs it, or finds the one of an earlier daemon. A keeper that was killed is
// started again in the same network.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "capabilities/privileged.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"

namespace banger::engine {

class NetworkKeeper final : public capabilities::Privileged {
 public:
  /// `program` is the argv that starts a keeper, without its options.
  NetworkKeeper(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
                std::vector<std::string> program);

  /// Starts the keeper if none runs. An operation that removes something needs none.
  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string arguments) override;
  /// `none` when something is missing, and for a minute after a failed start.
  Way way() const override { return running() || !missing() ? Way::private_network : Way::none; }
  std::shared_ptr<const host::Namespaces> network() const override { return network_; }
  /// Ends the keeper, and with it the network if no machine is in it.
  Task<> rest() override;

  /// Whether a keeper runs now, of this daemon or of an earlier one.
  bool running() const;
  /// Why there can be no private network; nullopt: nothing is known to be missing.
  std::optional<Error> missing() const override;

 private:
  std::string socket() const { return paths_.run() + "/network.sock"; }
  std::string lock() const { return paths_.run() + "/network.lock"; }
  std::string identity() const { return paths_.run() + "/network.id"; }
  Task<Result<>> ensure();
  Task<Result<>> start();
  Result<> spawn_keeper(const UniqueFd& ready);
  Result<> use_network(pid_t server);
  std::shared_ptr<const host::Namespaces> find_network() const;
  Task<> watch(UniqueFd pidfd);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  std::vector<std::string> program_;
  host::Mutex turn_;
  std::shared_ptr<const host::Namespaces> network_;  ///< of the keeper, or of the last one while it is wanted
  bool wanted_ = false;                              ///< a keeper that ends is started again
  std::optional<Error> trouble_;
  host::Deadline try_again_{};
};

/// The processes of the keeper that holds the lock at `path`, or nullopt if none holds it.
struct KeeperProcesses {
  pid_t keeper = 0, server = 0;
  bool operator==(const KeeperProcesses&) const = default;
};
std::optional<KeeperProcesses> keeper_processes(const std::string& path);

/// Bridges by the root helper where there is one, else in a private network. While a keeper runs, everything is in its
/// network. Without a helper, root has the host's bridge if the config asks for it, or if that bridge is there already.
/// It is also root's last way, where there can be no private network.
class NetworkAccess final : public capabilities::Privileged {
 public:
  /// Whether the host has a link with that name; for tests another function.
  using HasLink = bool (*)(const std::string& name);
  NetworkAccess(capabilities::Privileged& root, NetworkKeeper& keeper, const config::Config& config,
                HasLink has_link = host_has_link)
      : root_(root), keeper_(keeper), config_(config), has_link_(has_link) {}
  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string arguments) override {
    return chosen().call(std::move(operation), std::move(arguments));
  }
  Way way() const override { return chosen().way(); }
  std::shared_ptr<const host::Namespaces> network() const override { return chosen().network(); }
  std::optional<Error> missing() const override;
  Task<> rest() override { return chosen().rest(); }

 private:
  static bool host_has_link(const std::string& name);
  bool uses_host() const;
  Privileged& chosen() const;

  capabilities::Privileged& root_;
  NetworkKeeper& keeper_;
  const config::Config& config_;
  HasLink has_link_;
};

}  // namespace banger::engine
