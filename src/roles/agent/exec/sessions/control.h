// What a client sends to a session without being attached: input, signals, a new size, and its end.
#pragma once

#include <chrono>
#include <string>

#include "roles/agent/context.h"
#include "roles/agent/exec/sessions/record.h"

namespace banger::roles::agent {

enum class EndInput { no, yes };

/// Completes when the input waits for the command. `unsupported` when the session has no input, and `timeout` when the
/// command does not read the input that waits already.
Task<Result<>> give_input(ContextPtr context, SessionRecord record, std::string input, EndInput end);
Task<Result<>> give_signal(ContextPtr context, SessionRecord record, int number);
Task<Result<>> give_size(ContextPtr context, SessionRecord record, std::uint16_t rows, std::uint16_t columns);
/// SIGTERM (on a terminal also SIGHUP, for shells), and SIGKILL after the grace; with no grace only SIGKILL. Completes
/// when the session has ended. `timeout` when SIGKILL did not end the session.
Task<Result<>> end_session(ContextPtr context, SessionRecord record, std::chrono::milliseconds grace);

}  // namespace banger::roles::agent
