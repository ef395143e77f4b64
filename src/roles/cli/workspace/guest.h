// The guest's side of a workspace, as the command line sees it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/copy.h"

namespace banger::roles::cli {

inline constexpr std::string_view kGuestRepository = "/root/repo";
inline constexpr Option kGuestPathOption{
    .name = "guest-path", .kind = Kind::text, .value = "DIR", .help = "the place in the guest (default: /root/repo)"};

/// A directory of a guest with a working tree.
struct GuestPlace {
  std::string vm;
  std::string path;  ///< absolute

  /// The place that --guest-path names, or /root/repo.
  static Result<GuestPlace> of(const Args& args, std::string vm);
  /// `invalid` for a path that is not absolute, or has "." or ".." parts.
  static Result<GuestPlace> of(std::string vm, std::string path);
  CopyPath as_path() const { return {.vm = vm, .path = path}; }
  Landing landing() const;
  std::string text() const { return as_path().text(); }
};

enum class Present { nothing, directory };
/// `invalid` if something else than a directory is there.
Result<Present> find_in_guest(Daemon& daemon, const GuestPlace& place);

/// Runs a command without input and output in a guest. `directory` is where it runs. The result is its exit status, 127
/// if the guest has no such program.
Result<int> run_quietly(Io& io, const std::string& vm, const std::string& directory, std::vector<std::string> argv);

/// Whether the guest has the program that the two functions below need.
Result<bool> can_lock_in_guest(Io& io, const GuestPlace& place);
/// Makes the place read-only with a bind mount over itself, which lasts until the guest stops. That is a guard against
/// mistakes: root in the guest can undo it.
Result<> lock_in_guest(Io& io, const GuestPlace& place);
/// Makes it writable again. Nothing happens if it is not read-only.
Result<> unlock_in_guest(Io& io, const GuestPlace& place);

/// Removes files below the place. `unsupported`, with their number, if the guest has no program for it.
Result<> remove_in_guest(Io& io, const GuestPlace& place, const std::vector<std::string>& paths);

}  // namespace banger::roles::cli
