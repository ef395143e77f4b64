// Runs operations that need root (capabilities/privileged.h). A system install has the root helper's socket for them.
// Without an install, a daemon of root runs them in its own process, and other daemons get an error with a hint.
#pragma once

#include <memory>
#include <string>

#include "capabilities/privileged.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"

namespace banger::engine {

/// Each call looks for `socket`, so an install or uninstall needs no restart of the daemon. The error is `denied` when
/// another user than root serves the socket.
class PrivilegedClient final : public capabilities::Privileged {
 public:
  PrivilegedClient(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
                   std::string socket);

  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string arguments) override;
  Way way() const override;
  const std::string& socket() const { return socket_; }

 private:
  Task<Result<capabilities::PrivilegedReply>> do_here(std::string operation, std::string arguments);

  host::Runtime& runtime_;
  std::string socket_;
  capabilities::PrivilegedTable table_;
  capabilities::PrivilegedContext own_context_;  // for a daemon of root without an install
  host::Mutex turn_;                             // one operation at a time
};

}  // namespace banger::engine
