// Runs the host's package tools: long processes with much output and children of their own. They must end when the
// caller goes away.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"

namespace banger::image {

/// The environment for apt and mmdebstrap: PATH (with the sbin directories they need), HOME, the proxy variables, a
/// fixed locale.
std::vector<std::string> tool_environment(const std::string& path_variable);

/// Called about five times a second while the tool runs, with its output on stderr so far.
using ToolTick = std::function<void(std::string_view stderr_so_far)>;

struct ToolRun {
  host::SpawnSpec spec;  ///< stdout is collected unless stdout_fd is set; stderr always is
  host::Deadline deadline;
  ToolTick tick = {};
};

/// Runs the tool in a session of its own to its end. On `cancelled` or `timeout`, the whole process group gets SIGTERM,
/// so that it can clean up, and is killed some seconds later. A non-zero exit is not an error here.
Task<Result<host::Output>> run_tool(host::Runtime& runtime, ToolRun run, host::Cancel& cancel);

/// `what: last error lines of the tool`. Without such lines: its last line, or its exit status.
std::unexpected<Error> tool_failed(std::string_view what, const host::Output& output);

}  // namespace banger::image
