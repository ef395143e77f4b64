#include "roles/agent/exec/command.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/exec/known_terminal.h"
#include "roles/agent/exec/login_limits.h"

namespace banger::roles::agent {

namespace {

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool has_nul(std::string_view text) { return text.find('\0') != text.npos; }

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Environment merge(const link::ExecSpec& spec, const User& user, const Environment& guest) {
  auto name = user.name.empty() ? std::to_string(user.uid) : user.name;
  Environment merged{{"PATH", std::string(kPath)}, {"HOME", user.home}, {"USER", name}, {"LOGNAME", name},
                     {"SHELL", user.shell},        {"LANG", "C.UTF-8"}};
  if (spec.tty) merged["TERM"] = known_terminal(spec.term, user.home);
  for (const auto& [key, value] : guest) merged[key] = value;
  for (const auto& [key, value] : spec.env) merged[key] = value;
  return merged;
}

Result<std::vector<std::string>> encode(const Environment& merged) {
  std::vector<std::string> environment;
  environment.reserve(merged.size());
  for (const auto& [key, value] : merged) {
    if (key.empty() || key.find('=') != key.npos || has_nul(key) || has_nul(value))
      return fail(ErrorCode::invalid, fmt::format("'{}' cannot be an environment variable", printable(key)));
    environment.push_back(fmt::format("{}={}", key, value));
  }
  return environment;
}

std::string_view path_of(const host::SpawnSpec& spawn) {
  for (std::string_view entry : spawn.env)
    if (entry.starts_with("PATH=")) return entry.substr(5);
  return kPath;
}

// The file that the command names, relative to its start directory; empty when there is none.
std::string program_file(const host::SpawnSpec& spawn) {
  auto program = host::find_program(spawn.argv[0], path_of(spawn)).value_or("");
  if (!program.empty() && program[0] != '/') program = fmt::format("{}/{}", spawn.cwd, program);
  return ::access(program.c_str(), F_OK) == 0 ? program : "";
}

link::ExecExit refused(int code, std::string message) { return {.code = code, .message = std::move(message)}; }

// One errno of an exec has many causes. The file system shows which cause applies.
link::ExecExit explain(const Command& command, const Error& error) {
  const auto& spawn = command.spawn;
  auto name = printable(spawn.argv[0]);
  auto file = program_file(spawn);
  bool missing_directory = !is_directory(spawn.cwd);
  switch (error.sys_errno) {
    case ENOENT:
    case ENOTDIR:
      if (missing_directory)
        return refused(125, fmt::format("'{}' is not a directory in the guest", printable(spawn.cwd)));
      if (!file.empty())
        return refused(126, fmt::format("'{}': its interpreter or loader is missing in the guest", name));
      if (name.find('/') != name.npos) return refused(127, fmt::format("'{}': no such file in the guest", name));
      return refused(127, fmt::format("'{}': command not found in the guest", name));
    case EACCES:
      if (is_directory(file)) return refused(126, fmt::format("'{}' is a directory in the guest", name));
      if (!file.empty() && ::access(file.c_str(), X_OK) < 0)
        return refused(126, fmt::format("'{}' is not executable in the guest", name));
      return refused(126, fmt::format("'{}': user '{}' may not run it in '{}'", name,
                                      command.user.name.empty() ? std::to_string(command.user.uid) : command.user.name,
                                      printable(spawn.cwd)));
    case ENOEXEC:
      return refused(126, fmt::format("'{}' is not a program this guest can run (a script needs a '#!' line)", name));
    case E2BIG:
      return refused(126, fmt::format("'{}': its arguments and environment are too long for the guest's Linux (hint: "
                                      "pass long data on standard input)",
                                      name));
    case ETXTBSY:
    case ELOOP:
    case ENAMETOOLONG:
    case EISDIR:
      return refused(126, error.message);
    default:
      return refused(125, error.message);
  }
}

// Whether to try again in "/": the failing directory is a default and not the user's choice.
bool home_in_the_way(const Command& command, const Error& error) {
  if (command.directory == Directory::Of::request || command.spawn.cwd == "/") return false;
  if (!is_directory(command.spawn.cwd)) return true;
  bool relative = command.spawn.argv[0].find('/') != std::string::npos && command.spawn.argv[0][0] != '/';
  return error.sys_errno == EACCES && !relative;
}

// Whether the image's directory was missing and now exists.
bool made_directory(const Command& command) {
  if (command.directory != Directory::Of::image || is_directory(command.spawn.cwd)) return false;
  return host::make_directories(command.spawn.cwd).has_value();
}

}  // namespace

Result<User> choose_user(const link::ExecSpec& spec, const guestcfg::RunConfig& image,
                         const std::function<Result<User>(const std::string&)>& find) {
  if (!spec.user.empty()) return find(spec.user);
  if (image.user.empty()) return find("root");
  auto user = find(image.user);
  if (user) return user;
  return std::unexpected(std::move(user).error().in("the user of the image").with_hint("run it as root: -u root"));
}

Result<Command> prepare_command(const link::ExecSpec& spec, const User& user, const Environment& guest,
                                const guestcfg::RunConfig& image) {
  for (const auto& argument : spec.argv)
    if (has_nul(argument)) return fail(ErrorCode::invalid, "an argument of the command holds a NUL byte");
  if (has_nul(spec.cwd)) return fail(ErrorCode::invalid, "the directory of the command holds a NUL byte");
  if (!spec.argv.empty() && spec.argv[0].empty()) return fail(ErrorCode::invalid, "the command's name is empty");
  auto environment = merge(spec, user, guest);
  auto program = TRY(choose_program(spec, user, environment, image, is_program));
  if (!program.shell.empty()) environment["SHELL"] = program.shell;
  auto directory = choose_directory(spec, user, image, program);
  Command command{.user = user, .directory = directory.of, .main = program.main};
  auto& spawn = command.spawn;
  spawn.argv = std::move(program.argv);
  spawn.env = TRY(encode(environment));
  spawn.cwd = std::move(directory.path);
  spawn.new_session = true;
  spawn.default_oom_score = true;
  spawn.limits = login_limits();
  // An agent that is not root (in tests) can only run commands as its own user.
  if (::geteuid() != 0 && user.uid == ::geteuid()) return command;
  spawn.uid = user.uid;
  spawn.gid = user.gid;
  spawn.groups = user.groups;
  return command;
}

std::expected<host::Child, link::ExecExit> start_command(Command& command) {
  auto child = host::spawn(command.spawn);
  if (!child && made_directory(command)) child = host::spawn(command.spawn);
  if (!child && home_in_the_way(command, child.error())) {
    command.spawn.cwd = "/";
    child = host::spawn(command.spawn);
  }
  if (!child) return std::unexpected(explain(command, child.error()));
  return std::move(*child);
}

}  // namespace banger::roles::agent
