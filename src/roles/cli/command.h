// A command is a constant description and a function. Parsing, --help, the manual pages and completion come from the
// description. To add a command, write commands/NAME.cc with one `constinit const Command`, add it to commands.cc, and
// test it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

/// banger's own exit statuses. `run`, `exec` and `shell` return the status of the guest's command instead.
namespace exit_status {
inline constexpr int kOk = 0;
inline constexpr int kNo = 1;  ///< the answer is no: a doctor check failed, no daemon runs
inline constexpr int kUsage = 2;
inline constexpr int kFailed = 125;       ///< banger itself failed
inline constexpr int kInterrupted = 130;  ///< 128 + SIGINT
inline constexpr int kPipe = 141;         ///< 128 + SIGPIPE: the reader of standard output has closed it
}  // namespace exit_status

/// The kind of an option's value. Parsing checks the value, so handlers need not check it.
enum class Kind {
  flag,    ///< no value
  toggle,  ///< --name and --no-name
  text,
  count,     ///< a whole number
  lines,     ///< a whole number, or "all": -1
  size,      ///< "8G", "1.5G": bytes; a number without a unit is MiB
  duration,  ///< "90s": milliseconds
  pair,      ///< KEY=VALUE, repeatable; `--env` also accepts KEY alone
};

/// The kind of names that completion offers for a value.
enum class Names {
  none,
  vm,
  image,
  kernel,
  snapshot,
  session,       ///< of the VM that is the first positional
  live_session,  ///< the same, without those that have ended
  machine_template,
  recipe,
  pullable,   ///< kernels of the catalog
  available,  ///< images of the catalog
  vm_path,
  file,
  directory,
  command,
  method,     ///< of the daemon
  parameter,  ///< of the method that is the first positional
  vm_filter,  ///< KEY=VALUE of `vm list --filter`
  secret,     ///< of the config
  choice
};

struct Option {
  std::string_view name;  ///< without the dashes
  char letter = 0;
  Kind kind = Kind::flag;
  std::string_view value = {};  ///< the value's name in --help
  std::string_view help;
  Names names = Names::none;
  std::span<const std::string_view> choices = {};  ///< the only values allowed, for Names::choice
  std::string_view default_key = {};               ///< --help shows this field of host.defaults
};

struct Positional {
  std::string_view name;
  std::string_view help;
  Names names = Names::none;
  bool required = true;
  bool repeated = false;                           ///< one or more words; only one positional of a command can be
  std::span<const std::string_view> choices = {};  ///< the only values allowed
};

struct Example {
  std::string_view line, what;
};

struct Context;
using Handler = Result<int> (*)(Context& context);

struct Command {
  std::string_view group = {};  ///< "vm" for `banger vm NAME`, "vm snapshot" below "vm", empty at the top level
  std::string_view name;
  std::span<const std::string_view> aliases = {};
  std::string_view summary;       ///< one line, no full stop
  std::string_view details = {};  ///< paragraphs
  std::span<const Positional> positionals = {};
  std::span<const Option> options = {};
  std::string_view words = {};  ///< the name in --help of the words after `--`; empty: no words are allowed
  bool words_required = false;
  /// The words begin after the positionals, as with ssh and docker. A `--` before them may be left out.
  bool words_follow = false;
  bool hidden = false;  ///< left out of --help and completion
  std::span<const Example> examples = {};
  Handler handler = nullptr;
};

/// Options that all commands have.
std::span<const Option> common_options();

/// A parsed command line. The names of options are those of the description.
class Args {
 public:
  bool has(std::string_view name) const { return values.contains(name); }
  bool flag(std::string_view name) const { return has(name); }
  std::optional<bool> toggle(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;  ///< count, bytes or milliseconds
  std::vector<std::string> all(std::string_view name) const;
  std::map<std::string, std::string> pairs(std::string_view name) const;

  std::map<std::string, std::vector<std::string>, std::less<>> values;  ///< as given; numbers are in decimal
  std::vector<std::string> positionals;
  std::vector<std::string> words;  ///< the command for the guest, without the `--` before it
};

struct Context {
  Io& io;
  const Command& command;
  Args args;

  /// Reports a mistake in the command line that only the handler can find. Prints it as parsing does, and returns
  /// kUsage.
  int usage(std::string_view message, std::string_view hint = {}) const;
};

/// "vm run", "doctor".
std::string full_name(const Command& command);

}  // namespace banger::roles::cli
