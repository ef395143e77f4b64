// Operations that need root, as data. A capability lists its operations. The root helper runs exactly these operations
// for the owner's daemon, and no others. docs/privileges.md is generated from the same table.
//
//   daemon: Privileged::call("tap.create", {…}) ──► socket ──► helper: validate ─► effect ─► reply (+ descriptors)
//
// A root user without a system install runs the same operations in the daemon's process. Effects are repeatable: making
// an existing thing, or removing a missing one, succeeds. So a crash in between costs nothing.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "base/unique_fd.h"
#include "host/namespaces.h"

namespace banger::capabilities {

/// The limits of what the helper does for its owner. They come from /etc/banger/install.toml, never from a request.
struct PrivilegedContext {
  uid_t owner_uid;
  gid_t owner_gid;
  std::string bridge_name;    ///< "br-banger"
  std::string bridge_ip;      ///< the host's address on the bridge: "172.16.0.1"
  std::uint32_t prefix = 24;  ///< length of the bridge network's prefix
  /// requests may name only paths beneath these directories, which are opened without following links
  std::vector<std::string> roots;
  const Logger& log;
  std::string jailer = {}, firecracker = {};  ///< the programs that machine.jail starts; empty: there are no jails
  std::uint32_t mtu = 0;                      ///< of the bridge and its taps; 0: as Ethernet has
};

/// One argument of an operation. Unknown, missing and ill-typed arguments are refused before `validate` is called.
struct PrivilegedArgument {
  enum class Type { text, number, boolean, list };  ///< list: of texts
  std::string_view name;
  Type type;
  std::string_view rule;  ///< the rule that `validate` checks, for people
};

struct PrivilegedReply {
  std::string result;         ///< a JSON object; empty: no result
  std::vector<UniqueFd> fds;  ///< sent with SCM_RIGHTS
};

/// The bit of a CAP_… number in PrivilegedOperation::powers.
constexpr std::uint64_t power(int capability) { return std::uint64_t{1} << capability; }

struct PrivilegedOperation {
  std::string_view name;     ///< "tap.create"
  std::string_view summary;  ///< the effect, one sentence without its full stop, for docs/privileges.md
  std::span<const PrivilegedArgument> arguments;
  Result<> (*validate)(const PrivilegedContext&, const Json& arguments);
  Result<PrivilegedReply> (*effect)(const PrivilegedContext&, const Json& arguments);
  std::string_view
      undo;  ///< the operation that undoes this one, with the same arguments or some of them; empty: nothing stays
  std::uint64_t powers =
      power(CAP_NET_ADMIN);  ///< what `effect` and the programs it runs keep of root's (capabilities(7))
  /// for installs with jails only: in other installs the helper gives up the needed powers at its start
  bool jails = false;
};

/// Some operations, or all of them (privileged_table.h).
using PrivilegedTable = std::vector<const PrivilegedOperation*>;

/// `invalid` on an unknown, missing or ill-typed argument.
Result<> check_arguments(const PrivilegedOperation& operation, const Json& arguments);
/// Returns the operation if its arguments are valid. `not_found` for an unknown operation. Changes nothing.
Result<const PrivilegedOperation*> validated(const PrivilegedTable& table, const PrivilegedContext& context,
                                             std::string_view operation, const Json& arguments);

/// How the daemon calls the operations: over the helper's socket, or in its own process when it runs as root. A private
/// network has those of bridges only.
class Privileged {
 public:
  virtual ~Privileged() = default;
  /// `arguments` is a JSON object. `unavailable`, with a hint, when there is neither a helper nor root.
  virtual Task<Result<PrivilegedReply>> call(std::string operation, std::string arguments) = 0;
  /// Determined anew for each call, so that an install or uninstall needs no restart of the daemon.
  enum class Way { helper, in_process, private_network, none };
  virtual Way way() const = 0;
  bool available() const { return way() != Way::none; }
  bool is_private() const { return way() == Way::private_network; }
  /// The private network in which the operations have their effect; null: this process's own network, or none yet.
  virtual std::shared_ptr<const host::Namespaces> network() const { return nullptr; }
  /// Why there is no private network, as far as it is known.
  virtual std::optional<Error> missing() const { return std::nullopt; }
  /// Nothing that the operations made is needed for now.
  virtual Task<> rest() { co_return; }
};

}  // namespace banger::capabilities
