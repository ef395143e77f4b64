// banger vm ssh, vm tunnel and ssh-config, with a fake daemon and a fake ssh.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "roles/cli/ssh_config.h"
#include "rpc/chunks.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

struct Fixture {
  Fixture() {
    home.variables["PATH"] = (home.path() + "/bin:/usr/bin:/bin");
    home.daemon_command = {"/opt/my banger/banger", "bangerd"};
    daemon.answers["vm.ssh"] = [this](const Json& params) -> Result<Json> {
      return Json{{"id", "aaaaaaaaaaaa"},
                  {"name", params.at("vm")},
                  {"server", server},
                  {"host_key", "ssh-ed25519 AAAA"},
                  {"known_hosts", home.state() + "/ssh/known_hosts"}};
    };
    daemon.answers["vm.tunnel"] = [](const Json& params) -> Result<Json> {
      return Json{{"id", "aaaaaaaaaaaa"}, {"name", params.at("vm")}};
    };
    daemon.streams["vm.tunnel"] = [](int socket, const Json&) {
      std::string heard;
      char chunk[4096];
      for (ssize_t got; (got = ::read(socket, chunk, sizeof chunk)) > 0;)
        heard.append(chunk, static_cast<std::size_t>(got));
      (void)host::write_all(socket, rpc::encode_chunk("heard " + heard) + rpc::encode_chunk({}));
    };
  }
  /// An ssh that prints its arguments, one on a line.
  void put_ssh(const std::string& script = "printf '%s\\n' \"$@\"\n") const {
    auto path = home.path() + "/bin/ssh";
    REQUIRE(host::make_directories(home.path() + "/bin"));
    REQUIRE(host::write_file(path, "#!/bin/sh\n" + script, 0755));
  }
  std::string config_path() const { return home.state() + "/ssh/config"; }

  test::Home home;
  test::FakeDaemon daemon{home};
  bool server = true;
};

}  // namespace

TEST_CASE("ssh config: paths with spaces are quoted, and odd ones are refused") {
  SshSettings settings{
      .identity = "/a b/key", .known_hosts = "/a b/known", .program = "/my prog/banger", .variables = {}};
  auto text = ssh_config_text(settings);
  REQUIRE(text);
  CHECK(contains(*text, "Host *.vm\n    User root\n    IdentityFile \"/a b/key\"\n"));
  CHECK(contains(*text, "    UserKnownHostsFile \"/a b/known\"\n"));
  CHECK(contains(*text, "    StrictHostKeyChecking yes\n"));
  CHECK(contains(*text, "    ProxyCommand '/my prog/banger' vm tunnel --ssh '%h' %p\n"));
  settings.variables = {{"XDG_STATE_HOME", "/it's here"}};
  CHECK(contains(ssh_config_text(settings).value(), "    ProxyCommand env XDG_STATE_HOME='/it'\\''s here' '/my prog"));
  for (std::string odd : {"/a\"b", "/a\nb", "/a%h", "/a${HOME}", "/a*", "/a\\b"}) {
    CAPTURE(odd);
    auto with = settings;
    with.identity = odd;
    CHECK(ssh_config_text(with).error().code == ErrorCode::invalid);
    with = settings;
    with.variables = {{"XDG_STATE_HOME", odd}};
    CHECK_FALSE(ssh_config_text(with));
  }
}

TEST_CASE_METHOD(Fixture, "vm ssh: runs the host's ssh with banger's settings, and passes its status on") {
  put_ssh();
  auto done = home.run({"vm", "ssh", "web", "--", "ls", "-l", "--", "a b"});
  CHECK(done.out == "-F\n" + config_path() + "\nweb.vm\n--\nls\n-l\n--\na b\n");
  CHECK(done.status == 0);
  CHECK(home.run({"vm", "ssh", "-t", "web"}).out == "-F\n" + config_path() + "\n-t\nweb.vm\n");
  auto text = host::read_file(config_path(), 4096).value();
  CHECK(contains(text, "ProxyCommand '/opt/my banger/banger' vm tunnel --ssh '%h' %p\n"));
  CHECK(contains(text, "IdentityFile \"" + home.state() + "/ssh/id_ed25519\"\n"));
  struct stat info{};
  REQUIRE(::stat(config_path().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  put_ssh("exit 255\n");
  CHECK(home.run({"vm", "ssh", "web"}).status == 255);
  put_ssh("kill -9 $$\n");
  CHECK(home.run({"vm", "ssh", "web"}).status == 137);
}

TEST_CASE_METHOD(Fixture, "vm ssh: a host without ssh has a way out") {
  home.variables["PATH"] = home.path() + "/bin";
  auto done = home.run({"vm", "ssh", "web"});
  CHECK(done.status == 125);
  CHECK(
      done.err ==
      "banger: run ssh: this host has no ssh in PATH (hint: apt install openssh-client, or banger vm shell web, which "
      "needs none)\n");
}

TEST_CASE_METHOD(Fixture, "vm ssh: the error for a VM that does not run is the daemon's") {
  put_ssh();
  daemon.answers["vm.ssh"] = [](const Json&) -> Result<Json> {
    return fail(ErrorCode::unavailable, "vm 'web' is stopped", "banger vm start web");
  };
  auto done = home.run({"vm", "ssh", "web", "--", "true"});
  CHECK(done.status == 125);
  CHECK(done.err == "banger: vm 'web' is stopped (hint: banger vm start web)\n");
  CHECK(done.out.empty());
}

TEST_CASE_METHOD(Fixture, "vm tunnel: standard input and output are the connection, also under a name for ssh") {
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  UniqueFd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  REQUIRE(host::write_all(write_end.get(), "hello"));
  write_end.reset();
  home.in = read_end.get();
  auto done = home.run({"vm", "tunnel", "--ssh", "web.vm", "22"});
  CHECK(done.out == "heard hello");
  CHECK(done.status == 0);
  auto calls = daemon.calls();
  REQUIRE(calls.size() >= 2);
  CHECK(calls[calls.size() - 2] == R"(vm.ssh {"port":22,"vm":"web"})");
  CHECK(calls.back() == R"(vm.tunnel {"chunks":true,"port":22,"vm":"web"})");
  home.in = -1;
  CHECK(home.run({"vm", "tunnel", "web", "80"}).out == "heard ");
  CHECK(daemon.called("vm.ssh") == 1);
}

TEST_CASE_METHOD(Fixture, "vm tunnel: large streams pass in both directions at once") {
  std::string large(3 << 20, 'x');
  auto path = home.path() + "/in";
  REQUIRE(host::write_file(path, large));
  auto input = host::open_file(path, O_RDONLY);
  REQUIRE(input);
  home.in = input->get();
  daemon.streams["vm.tunnel"] = [](int socket, const Json&) {
    char chunk[4096];
    for (ssize_t got; (got = ::read(socket, chunk, sizeof chunk)) > 0;)
      if (!host::write_all(socket, rpc::encode_chunk({chunk, static_cast<std::size_t>(got)}))) return;
    (void)host::write_all(socket, rpc::encode_chunk({}));
  };
  auto done = home.run({"vm", "tunnel", "web", "80"});
  CHECK(done.status == 0);
  CHECK(done.out == large);
}

TEST_CASE_METHOD(Fixture, "vm tunnel: no server, a broken connection and a wrong port are errors") {
  server = false;
  auto none = home.run({"vm", "tunnel", "--ssh", "web.vm", "22"});
  CHECK(none.status == 125);
  CHECK(none.err == "banger: vm 'web' has no SSH server on port 22 (hint: banger vm shell web needs none)\n");
  daemon.streams["vm.tunnel"] = [](int socket, const Json&) {
    (void)host::write_all(socket, rpc::encode_chunk("half"));
  };
  auto broken = home.run({"vm", "tunnel", "web", "80"});
  CHECK(broken.status == 125);
  CHECK(broken.out == "half");
  CHECK(contains(broken.err, "the connection to port 80 of vm 'web' broke"));
  for (auto port : {"0", "65536", "ssh", "-1", ""}) CHECK(home.run({"vm", "tunnel", "web", "--", port}).status == 2);
}

TEST_CASE_METHOD(Fixture, "ssh-config: prints the settings, and changes ~/.ssh/config only when asked") {
  auto printed = home.run({"ssh-config"});
  CHECK(printed.status == 0);
  CHECK(contains(printed.out, "Host *.vm\n"));
  CHECK_FALSE(host::read_file(home.path() + "/.ssh/config", 4096));
  CHECK(contains(home.run({"ssh-config", "--install"}).out, "/.ssh/config now includes " + config_path()));
  CHECK(host::read_file(config_path(), 4096).value() == printed.out);
  CHECK(contains(host::read_file(home.path() + "/.ssh/config", 4096).value(), "Include \"" + config_path() + "\"\n"));
  CHECK(contains(home.run({"ssh-config", "--install"}).out, "includes already"));
  CHECK(contains(home.run({"ssh-config", "--uninstall"}).out, "removed banger's block"));
  CHECK(host::read_file(home.path() + "/.ssh/config", 4096).value().empty());
  CHECK(contains(home.run({"ssh-config", "--uninstall"}).out, "has no block of banger"));
  CHECK(home.run({"ssh-config", "--install", "--uninstall"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "ssh-config: the settings name the config's key, and where banger's files were moved to") {
  auto key = home.path() + "/mine";
  REQUIRE(home.run({"ssh-config"}).status == 0);
  REQUIRE(host::write_file(key + ".pub", host::read_file(home.state() + "/ssh/id_ed25519.pub", 4096).value()));
  REQUIRE(host::make_directories(home.path() + "/.config/banger"));
  REQUIRE(host::write_file(home.path() + "/.config/banger/config.toml", "ssh_key_path = \"~/mine\"\n"));
  CHECK(contains(home.run({"ssh-config"}).out, "IdentityFile \"" + key + "\"\n"));
  home.variables["XDG_STATE_HOME"] = home.path() + "/other state";
  auto moved = home.run({"ssh-config"}).out;
  CHECK(contains(moved, "ProxyCommand env XDG_STATE_HOME='" + home.path() + "/other state' "));
  CHECK(contains(moved, "UserKnownHostsFile \"" + home.path() + "/other state/banger/ssh/known_hosts\"\n"));
}

TEST_CASE_METHOD(Fixture, "doctor: ssh-config is a pass with a way to install it") {
  daemon.answers["host.doctor"] = [](const Json&) -> Result<Json> { return Json{{"checks", Json::array()}}; };
  auto before = home.run({"doctor"});
  CHECK(before.status == 0);
  CHECK(contains(before.out, "pass  ssh-config  not installed"));
  CHECK(contains(before.out, "(hint: banger ssh-config --install)"));
  REQUIRE(home.run({"ssh-config", "--install"}).status == 0);
  CHECK(home.run({"doctor"}).out == "pass  ssh-config  installed: ssh finds VMs as NAME.vm\n");
}
