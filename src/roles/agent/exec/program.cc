#include "roles/agent/exec/program.h"

#include <fmt/format.h>

namespace banger::roles::agent {

namespace {

// Images made for debugging have busybox in a directory of its own.
constexpr const char* kShells[] = {"/bin/sh", "/usr/bin/sh", "/bin/bash", "/usr/bin/bash", "/busybox/sh"};

bool refuses_logins(std::string_view shell) {
  auto name = shell.substr(shell.rfind('/') + 1);
  return name == "nologin" || name == "false";
}

Program main_command(const link::ExecSpec& spec, const guestcfg::RunConfig& image) {
  Program program{.argv = image.entrypoint, .shell = "", .main = true};
  const auto& last = spec.argv.empty() ? image.cmd : spec.argv;
  program.argv.insert(program.argv.end(), last.begin(), last.end());
  return program;
}

}  // namespace

std::string find_shell(const User& user, const Environment& environment, const IsProgram& is_program) {
  auto fits = [&](const std::string& shell) {
    return shell.starts_with('/') && !refuses_logins(shell) && is_program(shell);
  };
  if (fits(user.shell)) return user.shell;
  if (auto own = environment.find("SHELL"); own != environment.end() && fits(own->second)) return own->second;
  for (const char* shell : kShells)
    if (is_program(shell)) return shell;
  return "";
}

Result<Program> choose_program(const link::ExecSpec& spec, const User& user, const Environment& environment,
                               const guestcfg::RunConfig& image, const IsProgram& is_program) {
  auto main = main_command(spec, image);
  if (spec.main == link::MainCommand::yes) {
    if (!main.argv.empty() && !main.argv[0].empty()) return main;
    return fail(ErrorCode::invalid, "the image of this guest names no command of its own", "leave out --entrypoint");
  }
  if (!spec.argv.empty()) return Program{.argv = spec.argv};
  if (auto shell = find_shell(user, environment, is_program); !shell.empty())
    return Program{.argv = {shell, "-l"}, .shell = shell};
  if (spec.main == link::MainCommand::instead_of_shell && !main.argv.empty() && !main.argv[0].empty()) return main;
  return fail(ErrorCode::not_found, "the guest has no shell", "name a program that is in the image");
}

Directory choose_directory(const link::ExecSpec& spec, const User& user, const guestcfg::RunConfig& image,
                           const Program& program) {
  using Of = Directory::Of;
  if (spec.cwd.starts_with('/')) return {spec.cwd, Of::request};
  if (!spec.cwd.empty()) return {fmt::format("{}/{}", user.home, spec.cwd), Of::request};
  if (image.working_dir.starts_with('/')) return {image.working_dir, Of::image};
  if (!image.working_dir.empty()) return {"/" + image.working_dir, Of::image};
  return {program.main ? "/" : user.home, Of::user};
}

}  // namespace banger::roles::agent
