// Writes the files of a system install, and removes exactly these files. Other files are never changed. Services are in
// services.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/install.h"
#include "host/passwd.h"

namespace banger::roles::cli {

/// The paths of a system install. `destdir` comes before each path, for packaging and tests.
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

/// The actions of an install, as lines for people: "wrote /etc/banger/install.toml".
struct InstallReport {
  std::vector<std::string> lines;
  bool program_changed = false, units_changed = false;
};

/// The programs for jails. Both are given or neither. If neither is given, the install keeps its programs.
struct JailPrograms {
  std::string jailer, firecracker;
};
/// Writes all files of an install, or updates them. `own_program` is the running executable, which is copied. The older
/// program is kept as banger.old. `owner` may be empty if an install exists. A second call changes nothing. `exists`
/// before any change when another file is in the way, or when the install belongs to another owner.
Result<InstallReport> install_files(const InstallPlaces& places, const std::string& owner,
                                    const std::string& own_program, const JailPrograms& jails = {});

/// Removes the files that install_files writes. The report names a file that was replaced by another one, and that file
/// stays. No install is not an error.
Result<InstallReport> uninstall_files(const InstallPlaces& places);

/// The owner of the install. `not_found` when nothing is installed or the user does not exist, `denied` for root.
Result<host::User> installed_owner(const InstallPlaces& places);
Result<host::User> owner_named(const InstallPlaces& places, const std::string& name);

}  // namespace banger::roles::cli
