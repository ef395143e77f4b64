#include "roles/cli/complete.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "helpers.h"
#include "host/child.h"
#include "host/files.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {
std::vector<Candidate> live(Names kind, const std::string& vm) {
  if (kind == Names::vm) return {{"web", "running"}, {"db", "stopped"}};
  if (kind == Names::image) return {{"debian", ""}};
  if (kind == Names::session && vm == "web") return {{"build", "running"}, {"old", "exited"}};
  if (kind == Names::live_session && vm == "web") return {{"build", "running"}};
  if (kind == Names::snapshot) return {{"before", "web"}};
  if (kind == Names::machine_template) return {{"tm1", "debian"}, {"tm2", "debian"}};
  return {};
}
std::vector<std::string> words(const std::vector<std::string>& typed) {
  std::vector<std::string> found;
  for (const auto& candidate : complete(typed, live).candidates) found.push_back(candidate.word);
  return found;
}
using Words = std::vector<std::string>;
bool has(const Words& all, const std::string& word) { return std::ranges::find(all, word) != all.end(); }
}  // namespace

TEST_CASE("completion: commands, groups and their commands") {
  CHECK(has(words({""}), "vm"));
  CHECK(has(words({""}), "doctor"));
  CHECK(has(words({""}), "man"));
  CHECK(words({"-v", "vm", "ex"}) == Words{"exec"});
  CHECK(!has(words({""}), "__complete"));
  CHECK(words({"ker"}) == Words{"kernel"});
  CHECK(words({"vm", "ex"}) == Words{"exec"});
  CHECK(words({"--v"}) == Words{"--version"});
  CHECK(words({"nonsense", ""}).empty());
  CHECK(words({"help", "vm", "snapshot", "re"}) == Words{"restore"});
  CHECK(words({"help", "vm", "sus"}) == Words{"suspend"});
  CHECK(words({"help", "vm", "list", ""}).empty());
  CHECK(words({}).size() == words({""}).size());
}

TEST_CASE("completion: offers existing names, and none that is already given") {
  CHECK(words({"vm", "stop", ""}) == Words{"web", "db"});
  CHECK(words({"vm", "stop", "web", ""}) == Words{"db"});
  CHECK(words({"vm", "stop", "--timeout", "10s", "w"}) == Words{"web"});
  CHECK(words({"vm", "rm", "d"}) == Words{"db"});
  CHECK(words({"vm", "show", "web", ""}).empty());
  CHECK(words({"vm", "cp", "w"}) == Words{"web:"});
  CHECK(complete({"vm", "cp", "w"}, live).files);
  CHECK(words({"image", "show", ""}) == Words{"debian"});
}

TEST_CASE("completion: offers an inner group like a command, and then its commands") {
  CHECK(words({"vm", "sn"}) == Words{"snapshot"});
  CHECK(words({"vm", "snapshot", ""}) == Words{"create", "list", "restore", "delete"});
  CHECK(words({"vm", "snapshot", "restore", ""}) == Words{"web", "db"});
  CHECK(words({"vm", "snapshot", "restore", "web", ""}) == Words{"before"});
  CHECK(words({"vm", "snapshot", "delete", ""}) == Words{"before"});
  CHECK(words({"vm", "create", "--from", ""}) == Words{"before"});
  CHECK(words({"template", "delete", "tm1", ""}) == Words{"tm2"});
  CHECK(!has(words({""}), "snapshot"));
  CHECK(words({"snapshot", ""}).empty());
}

TEST_CASE("completion: offers options and their values, and nothing after the separator") {
  CHECK(words({"vm", "delete", "--f"}) == Words{"--force"});
  CHECK(words({"vm", "delete", "--force", "--f"}).empty());
  CHECK(words({"vm", "run", "--no"}) == Words{"--no-nat", "--no-autostart"});
  CHECK(has(words({"vm", "run", "--env", "A=1", "--e"}), "--env"));
  CHECK(words({"vm", "run", "--image", ""}) == Words{"debian"});
  CHECK(words({"vm", "run", "--image=d"}) == Words{"--image=debian"});
  CHECK(words({"vm", "run", "--image", "=", "d"}) == Words{"--image=debian"});
  CHECK(words({"vm", "create", "--wait", ""}) == Words{"agent", "system"});
  CHECK(words({"vm", "run", "--", "--im"}).empty());
  CHECK(words({"vm", "exec", "web", "ls", "--us"}).empty());
  CHECK(words({"vm", "exec", "web", "--us"}) == Words{"--user"});
  CHECK(words({"completion", "z"}) == Words{"zsh"});
  CHECK(complete({"kernel", "import", "x", "--modules", ""}, live).directories);
  CHECK(complete({"kernel", "import", "x", "--vmlinux", ""}, live).files);
}

TEST_CASE("completion: offers the daemon's methods and their parameters") {
  CHECK(words({"rpc", "vm.snapshot.c"}) == Words{"vm.snapshot.create"});
  CHECK(has(words({"rpc", ""}), "host.doctor"));
  CHECK(words({"rpc", "vm.delete", ""}) == Words{"vm=", "force="});
  CHECK(words({"rpc", "vm.delete", "vm=web", ""}) == Words{"force="});
  CHECK(words({"rpc", "vm.list", ""}).empty());
  CHECK(words({"rpc", "nonsense", ""}).empty());
}

TEST_CASE("completion: asks a running daemon and never starts one") {
  test::Home home;
  auto marker = home.path() + "/started";
  home.daemon_command = {"/usr/bin/touch", marker};
  auto done = home.run({"__complete", "--", "vm", "stop", ""});
  CHECK(done.status == 0);
  CHECK(done.out.empty());
  CHECK(done.err.empty());
  CHECK(!host::read_file(marker, 1));
  test::FakeDaemon daemon(home);
  daemon.answers["vm.list"] = [](const Json&) -> Result<Json> {
    return Json{{"vms", {test::vm_object("web"), test::vm_object("db", "stopped")}}};
  };
  CHECK(home.run({"__complete", "--", "vm", "stop", ""}).out == "web\trunning\ndb\tstopped\n");
  daemon.answers["vm.snapshot.list"] = [](const Json&) -> Result<Json> {
    return Json{{"snapshots", {{{"id", "sn1"}, {"name", "before"}, {"vm", "web"}}}}};
  };
  daemon.answers["template.list"] = [](const Json&) -> Result<Json> {
    return Json{{"templates", {{{"id", "tm1"}, {"image", "debian"}}}}};
  };
  CHECK(home.run({"__complete", "--", "vm", "snapshot", "delete", ""}).out == "before\tweb\n");
  CHECK(home.run({"__complete", "--", "template", "delete", ""}).out == "tm1\tdebian\n");
}

TEST_CASE("completion: the bash script offers what __complete says") {
  auto bash = host::find_program("bash", "/usr/bin:/bin");
  if (!bash) return;
  test::TempDir dir;
  test::Home home;
  auto script = home.run({"completion", "bash"}).out;
  REQUIRE(host::write_file(dir.path() + "/banger", "#!/bin/sh\nprintf 'web\\trunning\\nweb2\\t\\n'\n", 0755));
  script += "COMP_WORDS=(" + dir.path() +
            "/banger vm stop w)\nCOMP_CWORD=3\nCOMP_LINE='banger vm stop w'\nCOMP_POINT=16\n_banger\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\" >" +
            dir.path() + "/out\n";
  auto child = host::spawn({.argv = {*bash, "-euc", script}, .env = {"PATH=/usr/bin:/bin"}, .cwd = ""});
  REQUIRE(child);
  CHECK(child->wait().code == 0);
  CHECK(host::read_file(dir.path() + "/out", 4096).value_or("none") == "web\nweb2\n");
}

TEST_CASE("completion: offers the keys of filters, and the values of a key that has few") {
  CHECK(words({"vm", "list", "--filter", "st"}) == Words{"state=", "status="});
  CHECK(words({"vm", "list", "--filter", "state=s"}) == Words{"state=stopped", "state=suspended", "state=silent",
                                                              "state=starting", "state=suspending", "state=stopping"});
  CHECK(words({"vm", "list", "--filter", "state", "=", "run"}) == Words{"state=running"});
  CHECK(words({"vm", "list", "--filter=state=run"}) == Words{"--filter=state=running"});
  CHECK(words({"vm", "list", "--filter", "=", "network", "="}) ==
        Words{"--filter=network=user", "--filter=network=bridge"});
  CHECK(words({"vm", "list", "-f", "name="}).empty());
}

TEST_CASE("completion: bash gets only what follows the last '=' of a word") {
  auto bash = host::find_program("bash", "/usr/bin:/bin");
  if (!bash) return;
  test::TempDir dir;
  test::Home home;
  REQUIRE(host::write_file(dir.path() + "/banger",
                           "#!/bin/sh\nfor last; do :; done\ncase $* in *filter*) echo state=running ;; "
                           "*) echo state= ;; esac\n",
                           0755));
  // `words` are what bash makes of the line.
  auto reply = [&](const std::string& line, const std::string& words, int at) {
    auto script = home.run({"completion", "bash"}).out + "COMP_LINE='" + line +
                  "'\nCOMP_POINT=" + std::to_string(line.size()) + "\nCOMP_WORDS=(" + dir.path() + "/banger " + words +
                  ")\nCOMP_CWORD=" + std::to_string(at) +
                  "\ncompopt() { :; }\n_banger\nprintf '%s,' \"${COMPREPLY[@]}\" >" + dir.path() + "/out\n";
    auto child = host::spawn({.argv = {*bash, "-euc", script}, .env = {"PATH=/usr/bin:/bin"}, .cwd = ""});
    REQUIRE(child);
    CHECK(child->wait().code == 0);
    return host::read_file(dir.path() + "/out", 4096).value_or("none");
  };
  CHECK(reply("banger vm list --filter state=", "vm list --filter state =", 5) == "running,");
  CHECK(reply("banger vm list --filter state=ru", "vm list --filter state = ru", 6) == "running,");
  CHECK(reply("banger vm list -f sta", "vm list -f sta", 4) == "state=,");
}

TEST_CASE("complete: sessions are those of the VM that was given, and only live ones where one must live") {
  CHECK(words({"vm", "session", "logs", "web", ""}) == std::vector<std::string>{"build", "old"});
  CHECK(words({"vm", "session", "attach", "web", ""}) == std::vector<std::string>{"build"});
  CHECK(words({"vm", "session", "logs", "db", ""}).empty());
}
