// The files of a system install: putting them there, and taking exactly them away again. What is not ours is never
// touched. Services are in services.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/install.h"
#include "host/passwd.h"

namespace banger::roles::cli {

/// Where things go; `destdir` is put before each path, for packaging and tests.
struct InstallPlaces {
  std::string destdir;
  std::string at(std::string_view path) const { return destdir + std::string(path); }

  std::string program() const { return at("/usr/lib/banger/banger"); }
  std::string old_program() const { return at("/usr/lib/banger/banger.old"); }
  std::string marker() const { return at("/usr/lib/banger/README"); }
  std::string install_file() const { return at(config::kInstallFile); }
  std::string unit(std::string_view name) const { return at("/etc/systemd/system/" + std::string(name)); }
  std::string link(std::string_view name) const { return at("/usr/bin/" + std::string(name)); }
  std::string passwd() const { return at("/etc/passwd"); }
};

/// What was done, for people: "wrote /etc/banger/install.toml".
struct InstallReport {
  std::vector<std::string> lines;
  bool program_changed = false, units_changed = false;
};

/// Makes, or brings up to date, the whole set. `own_program`: the running executable, which is copied; the one it
/// replaces is kept as banger.old. `owner` may be empty when there is an install already. Doing it twice changes
/// nothing. `exists` when a file of ours would take the place of another's, before anything is written; also for
/// another owner. With a `jailer` the install has jails from now on, with that and with `firecracker`.
struct JailPrograms {
  std::string jailer, firecracker;  ///< both or neither; neither: as it was
};
Result<InstallReport> install_files(const InstallPlaces& places, const std::string& owner,
                                    const std::string& own_program, const JailPrograms& jails = {});

/// Removes what install_files makes, where it is still ours; what is not is named and left. Nothing there is fine.
Result<InstallReport> uninstall_files(const InstallPlaces& places);

/// The user that an install is for; `not_found` when nothing is installed or he is gone, `denied` for root.
Result<host::User> installed_owner(const InstallPlaces& places);
Result<host::User> owner_named(const InstallPlaces& places, const std::string& name);

}  // namespace banger::roles::cli
