// The three descriptors of a guest command, as pipes or as a pseudo-terminal, and the agent's ends of them.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::agent {

struct Stdio {
  UniqueFd input;   ///< the agent writes; empty with a terminal, which is read and written through `output`
  UniqueFd output;  ///< the agent reads: stdout, or the terminal's master
  UniqueFd errors;  ///< the agent reads; empty with a terminal
  UniqueFd child_input, child_output, child_errors;  ///< the command's ends; drop them once it runs
};

/// The command's ends belong to `uid`:`gid`, so that it may open /dev/stdout again.
Result<Stdio> make_pipes(uid_t uid, gid_t gid);

/// A new terminal of that size. `unsupported` where the guest has no devpts.
Result<Stdio> make_terminal(uid_t uid, std::uint16_t rows, std::uint16_t columns);

Result<> resize_terminal(int master_fd, std::uint16_t rows, std::uint16_t columns);

/// What a terminal's reader gets as the end of its input, if the terminal works by lines. `mid_line`: the last byte of
/// the input was not a newline.
void end_terminal_input(int master_fd, bool mid_line);

}  // namespace banger::roles::agent
