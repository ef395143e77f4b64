#include "machine/firecracker/jail.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"

namespace banger::machine::firecracker {

namespace {

constexpr std::size_t kIdBytes = 64;
constexpr std::string_view kCgroups = "/sys/fs/cgroup";

std::string exec_name(const Jail& jail) { return std::filesystem::path(jail.firecracker_binary).filename(); }

bool is_id_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

// One name, not a path that leads out.
Result<> check_file_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos)
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a file in a jail", printable(name)));
  return {};
}

bool readable_by(const struct stat& info, const Jail& jail) {
  if (info.st_uid == jail.uid) return info.st_mode & S_IRUSR;
  if (info.st_gid == jail.gid) return info.st_mode & S_IRGRP;
  return info.st_mode & S_IROTH;
}

Result<> give(const std::string& path, const Jail& jail) {
  if (::lchown(path.c_str(), jail.uid, jail.gid) < 0) return fail_errno(path);
  return {};
}

Result<> put_writable(const JailFile& file, const std::string& to, const Jail& jail) {
  if (::link(file.path.c_str(), to.c_str()) == 0) return give(to, jail);
  if (errno == EXDEV)
    return fail(ErrorCode::unsupported, fmt::format("{} is on another file system than the jail {}", file.path, jail_root(jail)),
                "have both on one");
  return fail_errno(to);
}

Result<> put_readable(const JailFile& file, const std::string& to, const Jail& jail) {
  struct stat info{};
  if (::lstat(file.path.c_str(), &info) < 0) return fail_errno(file.path);
  if (readable_by(info, jail) && ::link(file.path.c_str(), to.c_str()) == 0) return {};
  // Not given to its user where it lies: others may run from it.
  TRY(host::clone_file(file.path, to, 0400));
  return give(to, jail);
}

Result<> put(const JailFile& file, const Jail& jail) {
  TRY(check_file_name(file.name));
  struct stat info{};
  if (::lstat(file.path.c_str(), &info) < 0) return fail_errno(file.path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, fmt::format("{} is not a file", file.path));
  auto to = fmt::format("{}/{}", jail_root(jail), file.name);
  TRY(host::remove_file(to));
  return file.writable ? put_writable(file, to, jail) : put_readable(file, to, jail);
}

}  // namespace

Result<> check(const Jail& jail) {
  if (jail.id.empty() || jail.id.size() > kIdBytes || !std::ranges::all_of(jail.id, is_id_character))
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot name a jail", printable(jail.id)));
  if (jail.uid == 0 || jail.gid == 0) return fail(ErrorCode::invalid, "a jail for root holds nobody", "give it a user of its own");
  for (const auto& path : {jail.jailer_binary, jail.firecracker_binary, jail.base})
    if (!path.starts_with('/')) return fail(ErrorCode::invalid, fmt::format("'{}' is not a whole path", printable(path)));
  bool leaves = jail.parent_cgroup.starts_with('/') || std::ranges::count(split(jail.parent_cgroup, '/'), "..") > 0;
  if (leaves) return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a cgroup", printable(jail.parent_cgroup)));
  return {};
}

std::string jail_directory(const Jail& jail) { return fmt::format("{}/{}/{}", jail.base, exec_name(jail), jail.id); }
std::string jail_root(const Jail& jail) { return jail_directory(jail) + "/root"; }

std::vector<std::string> jailer_command_line(const Jail& jail, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {jail.jailer_binary, "--id", jail.id, "--exec-file", jail.firecracker_binary,
                                   "--uid", fmt::to_string(jail.uid), "--gid", fmt::to_string(jail.gid),
                                   // Its own default is version 1, which also makes loading a saved state slow.
                                   "--chroot-base-dir", jail.base, "--cgroup-version", "2"};
  if (!jail.parent_cgroup.empty()) {
    argv.emplace_back("--parent-cgroup");
    argv.push_back(jail.parent_cgroup);
  }
  argv.emplace_back("--");
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Result<> fill_jail(const Jail& jail, const std::vector<JailFile>& files) {
  TRY(check(jail));
  TRY(host::make_directories(jail_root(jail), 0700));
  TRY(give(jail_root(jail), jail));
  for (const auto& file : files) TRY(in("jail", put(file, jail)));
  return {};
}

Result<pid_t> jailed_process(const Jail& jail) {
  auto path = fmt::format("{}/{}.pid", jail_root(jail), exec_name(jail));
  auto text = TRY(host::read_file(path, 32));
  auto digits = trim(text);
  pid_t pid = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  // Written in two steps: empty for a moment.
  if (digits.empty()) return fail(ErrorCode::not_found, fmt::format("{} is empty", path));
  if (error != std::errc{} || end != digits.data() + digits.size() || pid <= 1)
    return fail(ErrorCode::corrupt, fmt::format("{} holds no process id", path));
  return pid;
}

Result<> remove_jail(const Jail& jail) {
  TRY(check(jail));
  TRY(host::remove_tree(jail_directory(jail)));
  if (jail.parent_cgroup.empty()) return {};
  auto cgroup = fmt::format("{}/{}/{}", kCgroups, jail.parent_cgroup, jail.id);
  if (::rmdir(cgroup.c_str()) < 0 && errno != ENOENT) return fail_errno(cgroup);
  return {};
}

}  // namespace banger::machine::firecracker
