// From the spec of a session to its process, with the checks before.
#pragma once

#include "host/child.h"
#include "link/session_spec.h"
#include "roles/agent/exec/io.h"
#include "roles/agent/run_dir.h"

namespace banger::roles::agent {

struct Launched {
  host::Child child;
  Stdio stdio;        ///< without `input` if the session has none
  bool main = false;  ///< the image's main command
};

/// Starts the command of the session as `exec` does. Checks first that its directory exists, and that the guest has the
/// commands that the session requires. The error is a sentence for the client.
Result<Launched> launch(const link::SessionSpec& spec, const AgentConfig& config, int cgroup_fd);

}  // namespace banger::roles::agent
