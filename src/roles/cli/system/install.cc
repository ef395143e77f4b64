#include "roles/cli/system/install.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/bounds.h"
#include "base/text.h"
#include "config/bounds.h"
#include "host/beneath.h"
#include "host/files.h"
#include "roles/cli/system/units.h"

namespace banger::roles::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRoles[] = {"banger", "bangerd", "bangerd-root", "banger-agent"};
constexpr std::string_view kLinkTarget = "../lib/banger/banger";
constexpr std::string_view kMarkerText =
    "The units of this system run the program banger. banger.old is the program before the last upgrade.\n";

struct TextFile {
  std::string path, text;
};

// Whether the file begins with the line of a system install, or does not exist.
Result<bool> is_ours(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return errno == ENOENT ? Result<bool>(true) : fail_errno(path);
  if (!S_ISREG(info.st_mode)) return false;
  return TRY(host::read_file(path, limits::kConfigFileBytes)).starts_with(kOursLine);
}

bool is_our_link(const std::string& path) {
  std::error_code error;
  return fs::read_symlink(path, error) == kLinkTarget && !error;
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

config::Install fresh_install(const host::User& owner) {
  config::Install install{.owner = owner.name};
  // An administrator may have made parts of the home path symlinks. The helper opens files without symlinks, so they
  // are resolved here.
  std::error_code error;
  auto home = fs::weakly_canonical(owner.home, error);
  for (const auto& directory : {"/.local/state/banger", "/.local/share/banger"})
    install.roots.push_back((error ? owner.home : home.string()) + directory);
  return install;
}

// The text of the install file. The administrator may have edited the file, so it stays the same for the same owner.
Result<std::string> install_text(const InstallPlaces& places, const host::User& owner, const JailPrograms& jails) {
  auto with_jails = [&](config::Install install) {
    if (!jails.jailer.empty()) install.jailer = jails.jailer, install.firecracker = jails.firecracker;
    return std::string(kOursLine) + config::format_install(install);
  };
  auto text = host::read_file(places.install_file(), limits::kConfigFileBytes);
  if (!text && text.error().code == ErrorCode::not_found) return with_jails(fresh_install(owner));
  if (!text) return text;
  auto there = TRY(config::parse_install(*text, places.install_file()));
  bool other = !jails.jailer.empty() && (jails.jailer != there.jailer || jails.firecracker != there.firecracker);
  if (there.owner == owner.name) return other ? with_jails(std::move(there)) : *text;
  return fail(ErrorCode::exists, fmt::format("banger is already installed for {}", there.owner),
              "banger system uninstall, then banger system install --owner USER");
}

Result<std::vector<TextFile>> text_files(const InstallPlaces& places, const host::User& owner,
                                         const JailPrograms& jails) {
  std::vector<TextFile> files{{places.marker(), std::string(kOursLine) + std::string(kMarkerText)},
                              {places.install_file(), TRY(install_text(places, owner, jails))}};
  auto install = TRY(config::parse_install(files.back().text, places.install_file()));
  for (auto& unit : unit_files(owner, "/usr/lib/banger/banger", install))
    files.push_back({places.unit(unit.name), std::move(unit.text)});
  return files;
}

Result<> check_no_foreign_files(const InstallPlaces& places, const std::vector<TextFile>& files) {
  for (const auto& file : files)
    if (!TRY(is_ours(file.path)))
      return fail(ErrorCode::exists, fmt::format("{} was not written by banger system install", file.path),
                  "move the file away");
  // A program cannot begin with that line. The marker beside the program stands for it.
  if (exists(places.program()) && !exists(places.marker()))
    return fail(ErrorCode::exists, fmt::format("{} was not written by banger system install", places.program()),
                "move the file away");
  return {};
}

// Returns whether the file has changed.
Result<bool> put_text(const TextFile& file, InstallReport& report) {
  auto there = host::read_file(file.path, limits::kConfigFileBytes);
  if (there && *there == file.text) return false;
  TRY(host::make_directories(fs::path(file.path).parent_path().string(), 0755));
  TRY(host::write_file(file.path, file.text, 0644));
  report.lines.push_back(fmt::format("{} {}", there ? "replaced" : "wrote", file.path));
  return true;
}

Result<> put_program(const InstallPlaces& places, const std::string& own_program, InstallReport& report) {
  auto wanted = TRY(in("read this program", host::sha256_file(own_program)));
  auto program = places.program();
  if (auto there = host::sha256_file(program); there && *there == wanted) return {};
  TRY(host::make_directories(fs::path(program).parent_path().string(), 0755));
  auto fresh = program + ".new";
  TRY(host::remove_file(fresh));
  TRY(host::clone_file(own_program, fresh, 0755));
  if (::chmod(fresh.c_str(), 0755) < 0) return fail_errno(fresh);  // the umask may have changed the mode
  bool replaces = exists(program);
  if (replaces) {
    // The old program gets a second name first. So a program exists at every moment.
    TRY(host::remove_file(places.old_program()));
    if (::link(program.c_str(), places.old_program().c_str()) < 0) return fail_errno(places.old_program());
  }
  if (::rename(fresh.c_str(), program.c_str()) < 0) return fail_errno(program);
  report.lines.push_back(replaces ? fmt::format("replaced {}; the old program is {}", program, places.old_program())
                                  : fmt::format("wrote {}", program));
  report.program_changed = true;
  return {};
}

Result<> put_link(const std::string& path, InstallReport& report) {
  if (is_our_link(path)) return {};
  if (exists(path)) {
    report.lines.push_back(fmt::format("kept {}, which is not part of the install", path));
    return {};
  }
  TRY(host::make_directories(fs::path(path).parent_path().string(), 0755));
  if (::symlink(std::string(kLinkTarget).c_str(), path.c_str()) < 0) return fail_errno(path);
  report.lines.push_back(fmt::format("linked {}", path));
  return {};
}

Result<> remove_if_present(const std::string& path, InstallReport& report) {
  if (!exists(path)) return {};
  TRY(host::remove_file(path));
  report.lines.push_back(fmt::format("removed {}", path));
  return {};
}

// Removes the directory if it is empty.
void remove_if_empty(const std::string& path, InstallReport& report) {
  if (::rmdir(path.c_str()) == 0) report.lines.push_back(fmt::format("removed {}", path));
}

}  // namespace

Result<host::User> owner_named(const InstallPlaces& places, const std::string& name) {
  auto user = host::find_user(name, places.passwd());
  if (!user && !places.destdir.empty()) user = host::find_user(name);
  if (!user) return fail(ErrorCode::not_found, fmt::format("there is no user '{}' in /etc/passwd", printable(name)));
  if (user->uid == 0)
    return fail(ErrorCode::denied, "the owner must not be root: the daemon and the VMs run as the owner");
  TRY(in("the owner's home", host::check_plain_path(user->home)));
  if (user->home.find_first_of(" \t\"\\%") != std::string::npos)
    return fail(ErrorCode::unsupported,
                fmt::format("the home '{}' has characters that systemd interprets", printable(user->home)));
  return *user;
}

Result<host::User> installed_owner(const InstallPlaces& places) {
  auto text = host::read_file(places.install_file(), limits::kConfigFileBytes);
  if (!text && text.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, "banger is not installed on this system",
                "as root: banger system install --owner USER");
  if (!text) return std::unexpected(std::move(text.error()));
  return owner_named(places, TRY(config::parse_install(*text, places.install_file())).owner);
}

Result<InstallReport> install_files(const InstallPlaces& places, const std::string& owner,
                                    const std::string& own_program, const JailPrograms& jails) {
  auto user = owner.empty() ? TRY(installed_owner(places)) : TRY(owner_named(places, owner));
  auto files = TRY(text_files(places, user, jails));
  TRY(check_no_foreign_files(places, files));
  InstallReport report;
  // The marker is written first. If this install is interrupted, the next install knows that the program is its own.
  for (const auto& file : files) {
    bool changed = TRY(put_text(file, report));
    report.units_changed |=
        changed && file.path != places.marker();  // the helper reads the install file only at its start
    if (file.path == places.marker()) TRY(put_program(places, own_program, report));
  }
  for (auto role : kRoles) TRY(put_link(places.link(role), report));
  return report;
}

Result<InstallReport> uninstall_files(const InstallPlaces& places) {
  InstallReport report;
  std::vector<std::string> ours{places.unit(kDaemonUnit), places.unit(kHelperUnit), places.unit(kSocketUnit),
                                places.install_file()};
  for (const auto& path : ours) {
    if (TRY(is_ours(path)))
      TRY(remove_if_present(path, report));
    else
      report.lines.push_back(fmt::format("kept {}, which is not part of the install", path));
  }
  for (auto role : kRoles)
    if (is_our_link(places.link(role))) TRY(remove_if_present(places.link(role), report));
  if (exists(places.marker()) && TRY(is_ours(places.marker())))
    for (const auto& path : {places.program(), places.old_program(), places.program() + ".new", places.marker()})
      TRY(remove_if_present(path, report));
  remove_if_empty(fs::path(places.program()).parent_path().string(), report);
  remove_if_empty(fs::path(places.install_file()).parent_path().string(), report);
  return report;
}

}  // namespace banger::roles::cli
