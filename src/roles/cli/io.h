// The descriptors and the environment that a command may use. Tests replace them with pipes and other variables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/paths.h"

namespace banger::roles::cli {

enum class Colours { off, on };

/// Borrowed descriptors and the environment. Writes do not raise SIGPIPE, because run() ignores it. The first failure
/// of standard output decides the exit status.
struct Io {
  int in = 0, out = 1, err = 2;
  host::GetEnv env;
  std::vector<std::string> environment;     ///< KEY=VALUE, for a daemon that this process starts
  std::vector<std::string> daemon_command;  ///< the argv that starts a daemon, without `--ready-fd N`

  int out_errno = 0;  ///< the errno of the first failure of standard output, or 0

  /// Writes to standard output. Does nothing after a failure.
  void print(std::string_view text);
  /// Writes `banger: text` to standard error. A failure is ignored, because it cannot be reported.
  void note(std::string_view text) const;

  /// Whether somebody still reads standard output, as far as that is known. If not, this counts as a failure of it. For
  /// commands that wait, whose next write may be hours away.
  bool has_reader();

  /// Whether a person can answer: standard input and standard error are terminals.
  bool can_ask() const;
  /// Asks on standard error. True only for the answer "y" or "yes".
  bool ask(std::string_view question) const;

  bool out_is_terminal() const;
  bool err_is_terminal() const;
  /// Whether text on this descriptor has colours: only on a terminal that supports them, and never with NO_COLOR
  /// (no-color.org).
  Colours colours(int fd) const;
};

enum class Paint { none, red, green, yellow, bold, dim };
/// `text` in that colour, if colours are on.
std::string paint(std::string_view text, Paint how, Colours colours);

/// How many columns a terminal uses for UTF-8 text. Wide East Asian characters and emoji count two, combining marks
/// none.
std::size_t display_width(std::string_view text);

/// Makes text from outside safe for a terminal: control characters become '?', and UTF-8 stays.
std::string safe_text(std::string_view text);

}  // namespace banger::roles::cli
