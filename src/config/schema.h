// Every configuration key, once. Parsing, checks, suggestions and documentation all come from this table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace banger::config {

enum class Type {
  text,
  texts,         ///< a list of texts
  program,       ///< a name to look up in PATH, or an absolute path
  path,          ///< an absolute path, or one below the home as "~/…"; or empty
  host_path,     ///< the same without "..", and never empty
  guest_path,    ///< "~/…" or "/root/…" of a guest; the value is relative to /root
  file_mode,     ///< permission bits as octal text; the value is a number
  setting_name,  ///< letters, digits and a few other characters, as in the names of time zones; or empty
  listen,        ///< an IPv4 address of this host and a port, as text; or empty
  choice,        ///< text, one of Key::choices
  boolean,
  count,     ///< a whole number within Key::min and Key::max
  size,      ///< text like "8G", in bytes within Key::min and Key::max
  duration,  ///< text like "24h", in milliseconds within Key::min and Key::max
};

/// A checked value. A string for text, program, the paths, listen and choice. A number for count, size (bytes),
/// duration (ms) and file_mode.
using Value = std::variant<std::string, bool, std::uint64_t, std::vector<std::string>>;
/// A value as the file has it. monostate: a type that no key accepts, such as a fraction, a date, a list with other
/// things than texts, or a table.
using Written = std::variant<std::monostate, std::string, bool, std::int64_t, std::vector<std::string>>;

/// The table that a config may have many times, as [[file_sync]]. Its keys are those of the latest entry.
inline constexpr std::string_view kListTable = "file_sync";

/// What keys of tables with a name of the user's choice have in the place of the name: "egress.NAME.allow".
inline constexpr std::string_view kNamePart = ".NAME.";

/// `fallback` of a key whose default is computed from the host.
inline constexpr std::string_view kFromHost = "from the host";

struct Key {
  std::string_view name;  ///< with its table: "vm_defaults.vcpu"
  Type type;
  std::string_view fallback;  ///< the default as the file would have it, without quotes; or kFromHost
  std::string_view doc;       ///< one sentence without its full stop, Markdown
  bool implemented;           ///< this version has its feature; otherwise setting the key is an error
  void (*set)(Config&, const Value&);
  std::string_view choices = {};            ///< "a|b"
  std::string_view later_choices = {};      ///< known, but not in this version
  std::uint64_t min = 0, max = UINT64_MAX;  ///< of texts: max is the length of the list, unless it is UINT64_MAX
  /// Instead of `set`, for a key of a table with a name of the user's choice.
  void (*set_named)(Config&, const std::string& name, const Value&) = nullptr;
};

std::span<const Key> schema();
const Key* find_key(std::string_view name);

/// "a whole number", "one of `auto`, `qemu`": completes `'key' must be …`, and is the type in docs/config.md.
std::string type_text(const Key& key);

/// The value of `written`. `invalid`, naming the key, for what the key does not accept.
Result<Value> check_value(const Key& key, const Written& written);

/// A key of kListTable needs an entry in the config. On an error (`invalid` or `unsupported`, naming the key), `config`
/// is unchanged.
Result<> set_value(Config& config, const Key& key, const Written& written);

}  // namespace banger::config
