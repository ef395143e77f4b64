// What a guest command is: the first frames of an exec stream. The document is JSON whose texts are byte strings
// (base/byte_string.h), so arguments, variables, users and directories pass unaltered.
//
//   {"argv": […], "env": {NAME: VALUE, …}, "cwd", "user", "tty": bool, "rows", "cols", "term", "main", "detach"}
//
// When the name of a variable is not UTF-8, "env" is a list of NAME=VALUE instead. A document that is longer than one
// frame is cut: spec_part frames have its beginning, and the spec frame has its end.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "link/exec_frames.h"

namespace banger::link {

/// The part that the main command of the guest's image has in a request. The image's configuration names that command.
enum class MainCommand {
  no,
  instead_of_shell,  ///< "instead_of_shell": runs if a shell is asked for and the guest has none
  yes,               ///< "yes": runs, with `argv` in place of its last words
};

struct ExecSpec {
  std::vector<std::string> argv;           ///< empty: the user's login shell, unless the main command runs
  std::map<std::string, std::string> env;  ///< added to the guest's environment
  std::string cwd;                         ///< empty: the image's choice, or the user's home
  std::string user;                        ///< name or uid[:group or gid]; empty: the image's choice, or root
  bool tty = false;
  std::uint16_t rows = 24, cols = 80;
  std::string term = "xterm-256color";
  MainCommand main = MainCommand::no;
  bool detach = false;  ///< left to itself: without input and output, and it outlives its client
};

/// `invalid` for what no Linux can execute: a command without a name, a NUL byte, or a text over the limits of
/// execve(2). So is a detached command with a terminal. The name of a variable must not be empty or have a '='. The
/// guest adds variables, so it may still refuse a command that passes.
Result<> check_spec(const ExecSpec& spec);

Json to_json(const ExecSpec& spec);
/// The spec has passed check_spec.
Result<ExecSpec> exec_spec_from_json(const Json& json);

/// An agent of an older banger, in a saved guest, knows no spec_part frames, no byte strings in base64, no
/// "main" and no "detach". It refuses all four.
enum class SpecReaders { all_agents, newer_agents };
/// Appends the frames of the spec to `out`.
SpecReaders encode_spec(const ExecSpec& spec, std::string& out);

/// Collects the document from the first frames of a stream.
class SpecReader {
 public:
  /// The whole document, or nullopt when more frames are needed. `invalid` for any other frame, a document over
  /// limits::kExecSpecBytes, and text that is not JSON.
  Result<std::optional<Json>> take(const Frame& frame);

 private:
  std::string text_;
};

}  // namespace banger::link
