// The ways to what needs root (capabilities/privileged.h): over the root helper's socket on a system install, in
// process for a root user without one, else not at all, with the way out.
#pragma once

#include <memory>
#include <string>

#include "capabilities/privileged.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"

namespace banger::engine {

/// `socket` is looked for at each call, so that an install or uninstall needs no new daemon. A helper that is not
/// root's is `denied`.
class PrivilegedClient final : public capabilities::Privileged {
 public:
  PrivilegedClient(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
                   std::string socket);

  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string arguments) override;
  Way way() const override;
  const std::string& socket() const { return socket_; }

 private:
  Task<Result<capabilities::PrivilegedReply>> ask_helper(std::string request);
  Task<Result<capabilities::PrivilegedReply>> do_here(std::string operation, std::string arguments);

  host::Runtime& runtime_;
  std::string socket_;
  capabilities::PrivilegedTable table_;
  capabilities::PrivilegedContext own_context_;  // of a root user without an install
  host::Mutex turn_;                             // one operation at a time, as in the helper
};

}  // namespace banger::engine
