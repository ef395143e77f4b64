// What a command may touch of the process it runs in, so that tests can hand it pipes and another environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/paths.h"

namespace banger::roles::cli {

/// Borrowed descriptors and the environment. Writes never raise SIGPIPE (run() ignores it); the first failure of
/// standard output is remembered and decides the exit status.
struct Io {
  int in = 0, out = 1, err = 2;
  host::GetEnv env;
  std::vector<std::string> environment;     ///< KEY=VALUE, given to a daemon we start
  std::vector<std::string> daemon_command;  ///< argv that starts a daemon; `--ready-fd N` is added

  int out_errno = 0;  ///< why standard output failed, or 0

  /// To standard output; nothing once it has failed.
  void print(std::string_view text);
  /// `banger: text` on standard error; failures there have nowhere to go.
  void note(std::string_view text) const;

  bool out_is_terminal() const;
  bool err_is_terminal() const;
  /// Colour on that descriptor: only on a terminal that can, and never with NO_COLOR (no-color.org).
  bool colour(int fd) const;
};

enum class Paint { none, red, green, yellow, bold, dim };
/// `text` in that colour when `colour`.
std::string paint(std::string_view text, Paint how, bool colour);

/// Columns a terminal uses for UTF-8 text: wide East Asian and emoji count two, combining marks none.
std::size_t display_width(std::string_view text);

/// Text from outside made safe for a terminal: control characters become '?', UTF-8 stays.
std::string safe_text(std::string_view text);

}  // namespace banger::roles::cli
