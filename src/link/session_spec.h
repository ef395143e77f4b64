// What a session is: the body of `POST /sessions`. The guest's agent keeps the session; the daemon only passes it on.
//
//   {"name", "input": "pipe"|"pty"|"none", "required": […], "command": the document of exec_spec.h}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "link/exec_spec.h"

namespace banger::link {

/// The standard input of a session. With a pty, stdout and stderr are the terminal too.
enum class SessionInput { pipe, pty, none };
inline constexpr Word<SessionInput> kSessionInputWords[] = {
    {SessionInput::pipe, "pipe"}, {SessionInput::pty, "pty"}, {SessionInput::none, "none"}};

struct SessionSpec {
  std::string name;  ///< unique among the live sessions of a guest
  SessionInput input = SessionInput::pipe;
  std::vector<std::string> required;  ///< commands that the guest must have
  ExecSpec command;
};

/// `[a-z0-9][a-z0-9-]{0,62}`. The error says which rule is broken.
Result<> check_session_name(std::string_view name);
/// `invalid` for a bad name, and as by check_spec(). Also `invalid` for more than limits::kRequiredCommands, and for an
/// empty one.
Result<> check_session(const SessionSpec& spec);

Json to_json(const SessionSpec& spec);
/// The spec has passed check_session().
Result<SessionSpec> session_spec_from_json(const Json& json);

}  // namespace banger::link
