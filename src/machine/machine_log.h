// machine.log: the output of the VMM in the VM's directory, one start after the other. Each start begins with a line
// with its token, which separates its messages from earlier ones. It is not the guest's console.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "machine/files.h"

namespace banger::machine {

/// Opens the log for appending (mode 0600) and writes the opening line of one start.
Result<UniqueFd> open_machine_log(const std::string& directory, std::string_view token);

/// The last lines of the start with `token`: at most three, printable, joined by "; ". Empty when there are none.
std::string last_words(const std::string& directory, std::string_view token);

/// The last line of the start with `token` that reports an error, printable. Empty when there is none.
std::string last_error_line(const std::string& directory, std::string_view token);

/// last_words() for any output of a program.
std::string last_lines(std::string_view text);

/// The end of a file, at most limits::kMachineLogTailBytes. Empty when the file cannot be read.
std::string read_tail(const std::string& path);

}  // namespace banger::machine
