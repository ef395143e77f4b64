// What an exec request runs and where: command, shell or the image's main command.
#include "roles/agent/exec/program.h"

#include <set>

#include "catch.h"

using namespace banger;
using namespace banger::roles::agent;
using link::MainCommand;
using Words = std::vector<std::string>;

namespace {

const guestcfg::RunConfig kImage{.entrypoint = {"/serve"}, .cmd = {"-p", "80"}, .working_dir = "/srv"};

struct Guest {
  std::set<std::string> programs{"/bin/sh"};
  guestcfg::RunConfig image;
  User user{.name = "app", .uid = 1000, .home = "/home/app", .shell = "/bin/sh"};
  Environment environment;

  Result<Program> choose(Words argv, MainCommand main = MainCommand::no) const {
    link::ExecSpec spec{.argv = std::move(argv), .main = main};
    return choose_program(spec, user, environment, image,
                          [this](const std::string& path) { return programs.contains(path); });
  }
  Words argv(Words given, MainCommand main = MainCommand::no) const {
    auto chosen = choose(std::move(given), main);
    return chosen ? chosen->argv : Words{chosen.error().message};
  }
};

}  // namespace

TEST_CASE("program: a command runs as it is, whatever the image's own command is") {
  Guest guest{.image = kImage};
  CHECK(guest.argv({"ls", "-l"}) == Words{"ls", "-l"});
  CHECK(guest.argv({"ls"}, MainCommand::instead_of_shell) == Words{"ls"});
  CHECK_FALSE(guest.choose({"ls"})->main);
}

TEST_CASE("program: the main command is the entrypoint with the request's words, or with those of the image") {
  Guest guest{.image = kImage};
  CHECK(guest.argv({}, MainCommand::yes) == Words{"/serve", "-p", "80"});
  CHECK(guest.argv({"-v"}, MainCommand::yes) == Words{"/serve", "-v"});
  CHECK(guest.choose({}, MainCommand::yes)->main);
  guest.image.entrypoint.clear();
  CHECK(guest.argv({}, MainCommand::yes) == Words{"-p", "80"});
  guest.image.cmd.clear();
  CHECK(guest.choose({}, MainCommand::yes).error().code == ErrorCode::invalid);
  guest.image.entrypoint = {""};
  CHECK(guest.choose({}, MainCommand::yes).error().code == ErrorCode::invalid);
}

TEST_CASE("program: without a command a shell runs, and the main command only where there is no shell") {
  Guest guest{.image = kImage};
  CHECK(guest.argv({}, MainCommand::instead_of_shell) == Words{"/bin/sh", "-l"});
  CHECK(guest.choose({})->shell == "/bin/sh");
  guest.programs.clear();
  CHECK(guest.argv({}, MainCommand::instead_of_shell) == Words{"/serve", "-p", "80"});
  CHECK(guest.choose({}).error().code == ErrorCode::not_found);
  CHECK(guest.argv({}) == Words{"the guest has no shell"});
  guest.image = {};
  CHECK(guest.argv({}, MainCommand::instead_of_shell) == Words{"the guest has no shell"});
}

TEST_CASE("program: the shell is that of passwd, then $SHELL, then any usual one") {
  Guest guest{.programs = {"/bin/bash", "/bin/zsh", "/usr/sbin/nologin"}};
  guest.user.shell = "/bin/zsh";
  CHECK(guest.argv({}) == Words{"/bin/zsh", "-l"});
  for (const char* unusable : {"/usr/sbin/nologin", "/missing", "bash", ""}) {
    guest.user.shell = unusable;
    CHECK(guest.argv({}) == Words{"/bin/bash", "-l"});
  }
  guest.environment = {{"SHELL", "/bin/zsh"}};
  CHECK(guest.argv({}) == Words{"/bin/zsh", "-l"});
  guest.environment = {{"SHELL", "/usr/sbin/nologin"}};
  CHECK(guest.argv({}) == Words{"/bin/bash", "-l"});
}

TEST_CASE("program: the directory is the request's, then the image's, then the user's") {
  auto where = [](std::string cwd, std::string of_image, bool main = false) {
    User user{.home = "/home/app"};
    return choose_directory({.cwd = std::move(cwd)}, user, {.working_dir = std::move(of_image)}, {.main = main}).path;
  };
  CHECK(where("/tmp", "/srv") == "/tmp");
  CHECK(where("sub", "/srv") == "/home/app/sub");
  CHECK(where("", "/srv") == "/srv");
  CHECK(where("", "srv") == "/srv");
  CHECK(where("", "") == "/home/app");
  CHECK(where("", "", true) == "/");
  CHECK(where("", "/srv", true) == "/srv");
}
