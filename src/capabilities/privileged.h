// What needs root, as data. A capability lists its operations; the root helper runs exactly these, and nothing else,
// for the owner's daemon. docs/privileges.md is generated from the same table.
//
//   daemon: Privileged::call("tap.create", {…}) ──► socket ──► helper: validate ─► effect ─► reply (+ descriptors)
//
// A root user without a system install has the same operations in process. Effects are repeatable: making what is there
// already, or removing what has gone, succeeds, so that a crash in between costs nothing.
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "base/unique_fd.h"

namespace banger::capabilities {

/// What the owner may have made for him; from /etc/banger/install.toml, never from the request.
struct PrivilegedContext {
  uid_t owner_uid;
  gid_t owner_gid;
  std::string bridge_name;         ///< "br-banger"
  std::string bridge_ip;           ///< the host's address on the bridge: "172.16.0.1"
  std::uint32_t prefix = 24;       ///< length of the bridge network's prefix
  std::vector<std::string> roots;  ///< directories beneath which paths of requests are opened, without following links
  const Logger& log;
  std::string jailer = {}, firecracker = {};  ///< the programs that machine.jail starts; empty: there are no jails
};

/// One argument of an operation. Unknown, missing and ill-typed ones are refused before `validate` is asked.
struct PrivilegedArgument {
  enum class Type { text, number, boolean, list };  ///< list: of texts
  std::string_view name;
  Type type;
  std::string_view rule;  ///< what `validate` demands of it, for people
};

struct PrivilegedReply {
  std::string result;         ///< a JSON object; empty: nothing to tell
  std::vector<UniqueFd> fds;  ///< handed over by SCM_RIGHTS
};

/// The bit of a CAP_… number in PrivilegedOperation::powers.
constexpr std::uint64_t power(int capability) { return std::uint64_t{1} << capability; }

struct PrivilegedOperation {
  std::string_view name;     ///< "tap.create"
  std::string_view summary;  ///< its effect, one sentence without its full stop, for docs/privileges.md
  std::span<const PrivilegedArgument> arguments;
  Result<> (*validate)(const PrivilegedContext&, const Json& arguments);
  Result<PrivilegedReply> (*effect)(const PrivilegedContext&, const Json& arguments);
  std::string_view
      undo;  ///< the operation that takes it back, with the same arguments or some of them; empty: nothing stays
  std::uint64_t powers =
      power(CAP_NET_ADMIN);  ///< what `effect` and the programs it runs keep of root's (capabilities(7))
  bool jails = false;        ///< only where the install has jails: elsewhere the helper gives up what it needs
};

/// Some operations, or all there are (privileged_table.h).
using PrivilegedTable = std::vector<const PrivilegedOperation*>;

/// `invalid` on an unknown, missing or ill-typed argument.
Result<> check_arguments(const PrivilegedOperation& operation, const Json& arguments);
/// The operation, once its arguments are what they may be. `not_found` for an unknown one. Nothing is changed.
Result<const PrivilegedOperation*> validated(const PrivilegedTable& table, const PrivilegedContext& context,
                                             std::string_view operation, const Json& arguments);

/// How the daemon reaches the operations: over the helper's socket, or in process when it is root itself.
class Privileged {
 public:
  virtual ~Privileged() = default;
  /// `arguments` is a JSON object. `unavailable` with the way out when there is neither a helper nor root.
  virtual Task<Result<PrivilegedReply>> call(std::string operation, std::string arguments) = 0;
  /// Asked for at each call, so that an install or uninstall needs no new daemon.
  enum class Way { helper, in_process, none };
  virtual Way way() const = 0;
  bool available() const { return way() != Way::none; }
};

}  // namespace banger::capabilities
