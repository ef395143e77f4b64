// What a command is: one constant description that feeds parsing, --help, the man pages and completion, and the
// function that does it. Adding a command: write commands/NAME.cc with one `constinit const Command`, name it in
// commands.cc, test it.
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

/// Exit statuses of our own; `run`, `exec` and `shell` else pass on the guest command's.
namespace exit_status {
inline constexpr int kOk = 0;
inline constexpr int kNo = 1;  ///< the answer is no: a doctor check failed, no daemon runs
inline constexpr int kUsage = 2;
inline constexpr int kFailed = 125;       ///< banger itself failed
inline constexpr int kInterrupted = 130;  ///< 128 + SIGINT
inline constexpr int kPipe = 141;         ///< 128 + SIGPIPE: nobody reads our output any more
}  // namespace exit_status

/// What an option's value is; parsing checks it, so handlers need not.
enum class Kind {
  flag,    ///< no value
  toggle,  ///< --name and --no-name
  text,
  count,     ///< a whole number
  size,      ///< "8G": bytes
  size_mib,  ///< as size; a bare number is MiB
  duration,  ///< "90s": milliseconds
  pair,      ///< KEY=VALUE, repeatable; with `pass_through`, KEY alone takes ours
};

/// What completion offers for a value.
enum class Names {
  none,
  vm,
  image,
  kernel,
  snapshot,
  machine_template,
  recipe,
  pullable,
  vm_path,
  file,
  directory,
  command,
  method,     ///< of the daemon
  parameter,  ///< of the method that is the first positional
  choice
};

struct Option {
  std::string_view name;  ///< without the dashes
  char letter = 0;
  Kind kind = Kind::flag;
  std::string_view value = {};  ///< how --help calls the value
  std::string_view help;
  Names names = Names::none;
  std::span<const std::string_view> choices = {};  ///< the only values allowed, for Names::choice
  std::string_view default_key = {};               ///< field of host.defaults whose value --help shows
};

struct Positional {
  std::string_view name;
  std::string_view help;
  Names names = Names::none;
  bool required = true;
  bool repeated = false;                           ///< one or more; one of a command's may be
  std::span<const std::string_view> choices = {};  ///< the only values allowed
};

struct Example {
  std::string_view line, what;
};

struct Context;
using Handler = Result<int> (*)(Context& context);

struct Command {
  std::string_view group = {};  ///< "vm" for `banger vm NAME`, "vm snapshot" for a deeper one; empty at the top level
  std::string_view name;
  std::span<const std::string_view> aliases = {};
  std::string_view summary;       ///< one line, no full stop
  std::string_view details = {};  ///< paragraphs
  std::span<const Positional> positionals = {};
  std::span<const Option> options = {};
  std::string_view words = {};  ///< what follows `--`, as --help calls it; empty: nothing may
  bool words_required = false;
  bool hidden = false;  ///< neither in --help nor in completion
  std::span<const Example> examples = {};
  Handler handler = nullptr;
};

/// Options every command takes.
std::span<const Option> common_options();

/// A parsed command line. Names are those of the description.
class Args {
 public:
  bool has(std::string_view name) const { return values.contains(name); }
  bool flag(std::string_view name) const { return has(name); }
  std::optional<bool> toggle(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name) const;  ///< count, bytes or milliseconds
  std::vector<std::string> all(std::string_view name) const;
  std::map<std::string, std::string> pairs(std::string_view name) const;

  std::map<std::string, std::vector<std::string>, std::less<>> values;  ///< as given; numbers normalised to decimal
  std::vector<std::string> positionals;
  std::vector<std::string> words;  ///< after `--`
};

struct Context {
  Io& io;
  const Command& command;
  Args args;

  /// For mistakes only the handler can see: says it as parsing would and gives kUsage.
  int usage(std::string_view message, std::string_view hint = {}) const;
};

/// "vm run", "doctor".
std::string full_name(const Command& command);

}  // namespace banger::roles::cli
