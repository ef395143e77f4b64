// Which init a root file system has. The host applies the rule to an image file, and the agent to the mounted root, so
// both always agree. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/words.h"

namespace banger::guest {

enum class InitKind {
  systemd,
  openrc,
  runit,
  busybox,
  other,  ///< an init that banger does not know
  none,   ///< banger's own small init runs instead
};
inline constexpr Word<InitKind> kInitKindWords[] = {{InitKind::systemd, "systemd"}, {InitKind::openrc, "openrc"},
                                                    {InitKind::runit, "runit"},     {InitKind::busybox, "busybox"},
                                                    {InitKind::other, "other"},     {InitKind::none, "none"}};
constexpr std::string_view to_string(InitKind kind) { return word_of(kInitKindWords, kind); }

/// What the rule reads of a root file system. Paths are absolute. Symlinks are followed inside that root. Anything that
/// cannot be read counts as missing.
class RootFiles {
 public:
  virtual ~RootFiles() = default;
  /// The file name behind all symlinks of an executable file, "systemd" for "/sbin/init"; empty for all else.
  virtual std::string program_name(const std::string& path) const = 0;
  virtual bool exists(const std::string& path) const = 0;
  virtual std::optional<std::string> read(const std::string& path) const = 0;
};

/// The program that runs as PID 1.
struct Init {
  std::string path;  ///< empty: the root has none
  InitKind kind = InitKind::none;
};
Init find_init(const RootFiles& root);

}  // namespace banger::guest
