// machine.log: what a VMM printed, start after start, in the VM's directory. Each start opens with a line that carries
// its token, so that the words of one start can be told from those of earlier ones. Not the guest's console.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "machine/files.h"

namespace banger::machine {

/// Opens the log for appending (mode 0600) and writes the opening line of one start.
Result<UniqueFd> open_machine_log(const std::string& directory, std::string_view token);

/// The last words of the start with `token`: at most three lines, printable, joined by "; ". Empty when it said nothing
/// or there is no log.
std::string last_words(const std::string& directory, std::string_view token);

/// The same of any text a program printed.
std::string last_lines(std::string_view text);

/// The end of a file, at most limits::kMachineLogTailBytes; empty when it cannot be read.
std::string read_tail(const std::string& path);

}  // namespace banger::machine
