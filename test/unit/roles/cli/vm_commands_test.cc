// The vm commands. A fake daemon answers their calls.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "api/objects/session.h"
#include "api/objects/vm.h"
#include "catch.h"
#include "helpers.h"
#include "host/files.h"
#include "link/exec_spec.h"

using namespace banger;
using namespace banger::roles::cli;
using test::vm_object;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

Json session_object(const std::string& name) {
  return test::with_defaults<api::SessionObject>(
      {{"name", name}, {"id", "id-" + name}, {"vm", "web"}, {"state", "running"}, {"stdin_mode", "pipe"}});
}

struct Fixture {
  test::Home home;
  test::FakeDaemon daemon{home};

  Fixture() {
    answer("host.defaults", {{"vcpus", 4},
                             {"memory_bytes", 8ll << 30},
                             {"disk_bytes", 8ll << 30},
                             {"system_bytes", 8ll << 30},
                             {"image", "debian"},
                             {"host_cpus", 4},
                             {"host_memory_bytes", 16ll << 30}});
    answer("vm.list", {{"vms", {vm_object("web"), vm_object("db", "stopped")}}});
    daemon.answers["vm.show"] = [](const Json& params) -> Result<Json> { return vm_object(params.at("vm")); };
    daemon.answers["vm.create"] = [](const Json& params) -> Result<Json> {
      return vm_object(params.value("name", "made-up"));
    };
    daemon.answers["vm.delete"] = [](const Json& params) -> Result<Json> {
      return Json{{"id", "x"}, {"name", params.at("vm")}};
    };
    answer("vm.exec", Json::object());
    daemon.streams["vm.exec"] = [](int socket, const Json&) { finish(socket, "out\n", link::ExecExit{.code = 7}); };
  }
  void answer(const std::string& method, Json result) {
    daemon.answers[method] = [result = std::move(result)](const Json&) -> Result<Json> { return result; };
  }
  void refuse(const std::string& method, Error error) {
    daemon.answers[method] = [error](const Json&) -> Result<Json> { return std::unexpected(error); };
  }
  test::Outcome run(const std::vector<std::string>& words) { return home.run(words); }
  Json sent(const std::string& method) const {
    for (const auto& call : daemon.calls())
      if (call.starts_with(method + " ")) return *parse_json(call.substr(method.size() + 1), 1 << 20);
    return nullptr;
  }

  // Reads the spec, then sends `out` as output and ends.
  static void finish(int socket, std::string_view out, const link::ExecExit& exit, link::ExecSpec* spec = nullptr) {
    link::FrameDecoder decoder;
    char chunk[65536];
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return;
      if (*frame) {
        if (spec) *spec = *link::exec_spec_from_json(*parse_json((*frame)->payload, 1 << 20));
        break;
      }
      auto count = ::read(socket, chunk, sizeof chunk);
      if (count <= 0) return;
      decoder.feed({chunk, static_cast<std::size_t>(count)});
    }
    std::string bytes;
    link::encode_frame(link::FrameType::stdout_data, out, bytes);
    link::encode_frame(exit.message.empty() ? link::FrameType::exit : link::FrameType::failed, link::encode_exit(exit),
                       bytes);
    (void)host::write_all(socket, bytes);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "vm list: a table for people, JSON for programs, ids alone with -q") {
  auto table = run({"vm", "ls"});
  CHECK(table.status == 0);
  CHECK(table.out.starts_with("NAME  ID     STATE    IMAGE   VCPU  MEMORY  DISK  AGE"));
  CHECK(contains(table.out, "\nweb   idweb  running  debian  2     1G      8G    "));
  CHECK(table.err.empty());
  auto json = *parse_json(run({"vm", "list", "--json"}).out, 1 << 20);
  REQUIRE(json.is_array());
  CHECK(json[1].at("name") == "db");
  CHECK(run({"vm", "ps", "-q"}).out == "idweb\niddb\n");
}

TEST_CASE_METHOD(Fixture, "vm list and show: guests that stand still, and a disk that is nearly full, are named") {
  auto paused = vm_object("web"), silent = vm_object("db"), ended = vm_object("old", "stopped");
  paused["paused"] = "no space\x1b[31m";
  silent["silent"] = true;
  ended["ended"] = "kernel panic: Oops";
  ended["ended_at"] = 1;
  answer("vm.list", {{"vms", {paused, silent, ended}}, {"warnings", {"only 3M free"}}});
  auto table = run({"vm", "list"});
  CHECK(contains(table.out, "paused"));
  CHECK(contains(table.out, "silent"));
  CHECK(contains(table.out, "stopped"));
  CHECK(table.err == "banger: vm 'web' is paused: no space?[31m\nbanger: warning: only 3M free\n");
  CHECK(run({"vm", "list", "-q"}).err.empty());
  CHECK(run({"vm", "list", "--json"}).err.empty());
  daemon.answers["vm.show"] = [&](const Json& params) -> Result<Json> {
    return params.at("vm") == "web" ? paused : params.at("vm") == "db" ? silent : ended;
  };
  CHECK(contains(run({"vm", "show", "web"}).out, "paused"));
  CHECK(contains(run({"vm", "show", "db"}).out, "the guest has stopped answering"));
  CHECK(contains(run({"vm", "show", "old"}).out, ": kernel panic: Oops"));
}

TEST_CASE_METHOD(Fixture, "vm list: shows labels where there are any, and lists the VMs with all given labels") {
  auto web = vm_object("web"), db = vm_object("db");
  web["labels"] = {{"role", "front"}, {"team", ""}};
  db["labels"] = {{"role", "back"}};
  answer("vm.list", {{"vms", {web, db, vm_object("plain")}}});
  auto table = run({"vm", "list"}).out;
  CHECK(contains(table, "AGE"));
  CHECK(contains(table, "LABELS\n"));
  CHECK(contains(table, "role=front,team\n"));
  CHECK(run({"vm", "list", "-q", "--label", "role"}).out == "idweb\niddb\n");
  CHECK(run({"vm", "list", "-q", "--label", "role=back"}).out == "iddb\n");
  CHECK(run({"vm", "list", "-q", "--label", "role", "--label", "team"}).out == "idweb\n");
  CHECK(run({"vm", "list", "-q", "--label", "role="}).out.empty());
}

TEST_CASE_METHOD(Fixture, "vm list: names, filters and the order of a column") {
  CHECK(run({"vm", "list", "--names"}).out == "web\ndb\n");
  CHECK(run({"vm", "list", "--names", "--sort", "name"}).out == "db\nweb\n");
  CHECK(run({"vm", "list", "-a", "-q", "-f", "state=stopped"}).out == "iddb\n");
  CHECK(run({"vm", "list", "--filter", "state=bar"}).status == 2);
  for (const char* form : {"--json", "--quiet"}) {
    auto both = run({"vm", "list", "--names", form});
    CHECK(both.status == 2);
    CHECK(contains(both.err, "--names does not go together with --json or --quiet"));
  }
  auto refused = run({"vm", "list", "--filter", "running"});
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "--filter: 'running' is no filter (hint: write it like state=running"));
}

TEST_CASE_METHOD(Fixture, "vm list: the wide table has the addresses and ports that this host reaches") {
  auto web = vm_object("web"), db = vm_object("db"), silent = vm_object("mute"), off = vm_object("off", "stopped");
  web["network"] = silent["network"] = "user";
  web["nat"] = true;
  db["network"] = "bridge";
  db["address"] = "172.16.0.5";
  silent["silent"] = true;
  off["agent_ready"] = false;
  answer("vm.list", {{"vms", {web, db, silent, off}}});
  auto port = [](int number, const char* address, const char* forward) {
    return Json{{"protocol", "tcp"}, {"port", number}, {"address", address}, {"forward", forward}};
  };
  daemon.answers["vm.ports"] = [&](const Json& params) -> Result<Json> {
    if (params.at("vm") == "idweb")
      return Json{
          {"ports",
           {port(8000, "0.0.0.0", "127.98.0.1:8000"), port(8000, "::", "127.98.0.1:8000"), port(22, "0.0.0.0", "")}}};
    return Json{{"ports", {port(5432, "0.0.0.0", ""), port(25, "127.0.0.1", "")}}};
  };
  auto table = run({"vm", "list", "--wide"}).out;
  CHECK(contains(table, "NETWORK         ADDRESS     PORTS  LABELS\n"));
  CHECK(contains(table, "user            127.98.0.1  8000   "));
  CHECK(contains(table, "bridge, no nat  172.16.0.5  5432   "));
  CHECK(daemon.called("vm.ports") == 2);
  auto json = *parse_json(run({"vm", "list", "--wide", "--json"}).out, 1 << 20);
  CHECK(json[0].at("ports").size() == 3);
  CHECK(json[3].at("ports") == Json::array());
}

TEST_CASE_METHOD(Fixture, "vm list: a guest that does not answer soon costs its ports and a note") {
  daemon.answers["vm.ports"] = [&](const Json& params) -> Result<Json> {
    if (params.at("vm") == "iddb") return fail(ErrorCode::timeout, "vm 'db': the guest did not answer\x1b[31m");
    return Json{{"ports", Json::array()}};
  };
  auto web = vm_object("web"), db = vm_object("db");
  answer("vm.list", {{"vms", {web, db}}});
  auto table = run({"vm", "list", "--wide"});
  CHECK(table.status == 0);
  CHECK(contains(table.out, "web"));
  CHECK(contains(table.out, "db"));
  CHECK(sent("vm.ports").at("timeout_ms").get<int>() <= 2000);
  CHECK(table.err == "banger: ports are missing: vm 'db': the guest did not answer?[31m\n");
  auto json = run({"vm", "list", "--wide", "--json"});
  CHECK(contains(json.err, "ports are missing: vm 'db'"));
  CHECK((*parse_json(json.out, 1 << 20))[1].at("ports") == Json::array());
  auto asked = daemon.called("vm.ports");
  CHECK(run({"vm", "list", "--wide", "-q"}).out == "idweb\niddb\n");
  CHECK(run({"vm", "list", "--wide", "--names"}).out == "web\ndb\n");
  CHECK(daemon.called("vm.ports") == asked);
}

TEST_CASE_METHOD(Fixture, "vm start: the warnings of several starts name their VMs") {
  daemon.answers["vm.start"] = [](const Json& params) -> Result<Json> { return vm_object(params.at("vm")); };
  daemon.stages = {"warning"};
  auto both = home.run({"vm", "start", "web", "db"});
  CHECK(both.status == 0);
  CHECK(contains(both.err, "web: warning: detail"));
  CHECK(contains(both.err, "db: warning: detail"));
}

TEST_CASE_METHOD(Fixture, "vm sync: one line for each VM, and warnings beside them") {
  daemon.answers["vm.sync"] = [](const Json& params) -> Result<Json> {
    Json result = {{"id", "x"}, {"name", params.at("vm")}, {"files", 2}, {"bytes", 2048}};
    result["warnings"] = {"~/x is skipped: it is a FIFO"};
    if (!params.value("dry_run", false)) return result;
    result["plan"] = {{{"path", ".d"}, {"directory", true}, {"mode", 0700}, {"bytes", 0}},
                      {{"path", ".d/a"}, {"directory", false}, {"mode", 0600}, {"bytes", 2048}}};
    result["plan_more"] = 1;
    return result;
  };
  auto both = home.run({"vm", "sync", "web", "db"});
  CHECK(both.status == 0);
  CHECK(contains(both.out, "web: 2 files, 2K\n"));
  CHECK(contains(both.out, "db: 2 files, 2K\n"));
  CHECK(contains(both.err, "web: warning: ~/x is skipped: it is a FIFO"));
  auto plan = home.run({"vm", "sync", "web", "--dry-run"});
  CHECK(plan.out == "web: 2 files, 2K\n  0700  ~/.d/\n  0600  ~/.d/a\n  and 1 more\n");
  CHECK(contains(plan.err, "warning: ~/x"));
  CHECK(parse_json(home.run({"vm", "sync", "web", "--dry-run", "--json"}).out, 10000)->at(0).at("plan").size() == 2);
  CHECK(home.run({"vm", "sync"}).status == 2);
  CHECK(contains(home.run({"vm", "sync", "--all"}).out, ": 2 files, 2K\n"));
  CHECK(daemon.called("vm.list") == 1);
}

TEST_CASE_METHOD(Fixture, "vm rename: sets the name, and says what waits for the next start") {
  auto renamed = vm_object("db");
  answer("vm.set", renamed);
  CHECK(run({"vm", "rename", "web", "db"}).out == "web: renamed to db\n");
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"name", "db"}});
  renamed["restart_needed"] = {"name"};
  answer("vm.set", renamed);
  CHECK(run({"vm", "rename", "web", "db"}).out ==
        "web: renamed to db; the guest's host name will change at the next start ('banger vm restart db')\n");
  CHECK(run({"vm", "rename", "web"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm delete --all: deletes every VM by its id, and only with --force where it cannot ask") {
  CHECK(run({"vm", "delete", "--all"}).status == 2);
  CHECK(daemon.calls().empty());
  auto done = run({"vm", "delete", "--all", "--force"});
  CHECK(done.status == 0);
  CHECK(daemon.called("vm.delete") == 2);
  CHECK(sent("vm.delete").at("force") == true);
  CHECK(run({"vm", "delete", "--all", "web"}).status == 2);
  CHECK(run({"vm", "delete"}).status == 2);
  answer("vm.list", {{"vms", Json::array()}});
  CHECK(run({"vm", "delete", "--all", "-f", "--json"}).out == "[]\n");
}

TEST_CASE_METHOD(Fixture, "vm wait: returns when the VM is ready, 1 when it ends before, and 1 after the timeout") {
  std::vector<Json> states;
  daemon.answers["vm.show"] = [&](const Json&) -> Result<Json> {
    auto next = states.front();
    if (states.size() > 1) states.erase(states.begin());
    return next;
  };
  auto off = vm_object("web", "stopped"), starting = vm_object("web", "starting"), ready = vm_object("web");
  auto failed = off, booted = ready;
  failed["last_error"] = "no kernel";
  booted["system_ready"] = true;
  states = {off, starting, ready};
  auto done = run({"vm", "wait", "web"});
  CHECK(done.status == 0);
  CHECK(done.out == "web: running\n");
  states = {ready, booted};
  CHECK(run({"vm", "wait", "web", "--for", "system"}).status == 0);
  states = {starting, failed};
  done = run({"vm", "wait", "web"});
  CHECK(done.status == 1);
  CHECK(done.err == "banger: vm 'web' is stopped: no kernel\n");
  states = {ready, off};
  CHECK(run({"vm", "wait", "web", "--for", "stopped", "--json"}).status == 0);
  states = {starting};
  done = run({"vm", "wait", "web", "--timeout", "0"});
  CHECK(done.status == 1);
  CHECK(done.err == "banger: vm 'web' is starting, but not yet what was waited for: ready\n");
}

TEST_CASE_METHOD(Fixture, "vm show: prints the stages, and --json prints the daemon's object") {
  auto shown = run({"vm", "show", "web"}).out;
  CHECK(contains(shown, "boot 1.25s"));
  CHECK(contains(shown, "a=b"));
  CHECK(*parse_json(run({"vm", "show", "web", "--json"}).out, 1 << 20) == vm_object("web"));
}

TEST_CASE_METHOD(Fixture, "vm create: prints the spec line first and requests exactly that") {
  auto done = run(
      {"vm", "create", "--name", "web", "--memory", "1G", "--no-nat", "--label", "a=1", "--env", "K=v", "--no-start"});
  CHECK(done.status == 0);
  CHECK(done.err == "spec: 4 vcpu · 1G memory · 8G disk\n");
  CHECK(done.out == "web: running (idweb)\n");
  CHECK(sent("vm.create") == Json{{"name", "web"},
                                  {"vcpus", 4},
                                  {"memory_bytes", 1 << 30},
                                  {"disk_bytes", 8ll << 30},
                                  {"system_bytes", 8ll << 30},
                                  {"nat", false},
                                  {"labels", {{"a", "1"}}},
                                  {"environment", {{"K", "v"}}},
                                  {"start", false}});
  auto quiet = run({"vm", "create", "-q"});
  CHECK(quiet.out == "idmade-up\n");
  CHECK(quiet.err.empty());
  CHECK(*parse_json(run({"vm", "create", "--json"}).out, 1 << 20) == vm_object("made-up"));
}

TEST_CASE_METHOD(Fixture,
                 "vm create, vm run: what the host cannot have is refused before a line says that it is made") {
  const std::vector<std::vector<std::string>> impossible{{"--vcpu", "0"},         {"--memory", "8"},
                                                         {"--memory", "17G"},     {"--disk-size", "8"},
                                                         {"--name", "localhost"}, {"--name", "x-"}};
  for (const auto& options : impossible)
    for (const char* command : {"create", "run"}) {
      std::vector<std::string> words{"vm", command};
      words.insert(words.end(), options.begin(), options.end());
      auto refused = run(words);
      INFO(refused.err);
      CHECK(refused.status == 125);
      CHECK(refused.err.starts_with("banger: "));
      CHECK(std::ranges::count(refused.err, '\n') == 1);
    }
  CHECK(daemon.called("vm.create") == 0);
}

TEST_CASE_METHOD(Fixture,
                 "vm create: quick stages print nothing without a terminal, an error is one line with its hint") {
  daemon.stages = {"kernel", "boot"};
  refuse("vm.create",
         {.code = ErrorCode::exists, .message = "create vm 'web': the name is taken", .hint = "choose another"});
  auto done = run({"vm", "create", "--name", "web"});
  CHECK(done.status == 125);
  CHECK(done.err ==
        "spec: 4 vcpu · 8G memory · 8G disk\nbanger: create vm 'web': the name is taken (hint: choose another)\n");
  auto chain = run({"vm", "create", "--name", "web", "-v"});
  CHECK(contains(chain.err, "  create vm 'web'\n    the name is taken\n  code: exists\n"));
}

TEST_CASE_METHOD(Fixture, "vm create: a label without a value, and sizes with fractions and without units") {
  CHECK(run({"vm", "create", "--label", "ci", "--memory", "1.5G", "--disk-size", "2048"}).status == 0);
  CHECK(sent("vm.create").at("labels") == Json{{"ci", ""}});
  CHECK(sent("vm.create").at("memory_bytes") == 1536 << 20);
  CHECK(sent("vm.create").at("disk_bytes") == 2ll << 30);
}

TEST_CASE_METHOD(Fixture, "vm run: returns the command's status, and deletes the VM with --rm") {
  auto done = run({"vm", "run", "--rm", "--env", "A=1", "--workdir", "/x", "--user", "me", "--", "sh", "-c", "exit 7"});
  CHECK(done.status == 7);
  CHECK(done.out == "out\n");
  CHECK(done.err == "spec: 4 vcpu · 8G memory · 8G disk\n");
  CHECK(sent("vm.delete") == Json{{"vm", "idmade-up"}, {"force", true}});
  CHECK(sent("vm.create").at("environment") == Json{{"A", "1"}});
}

TEST_CASE_METHOD(Fixture, "vm run: without --rm prints that the VM still runs and how to stop it") {
  auto done = run({"vm", "run", "--name", "web", "--", "true"});
  CHECK(contains(done.err, "vm 'web' is still running (hint: 'banger vm stop web'"));
  CHECK(daemon.called("vm.delete") == 0);
}

TEST_CASE_METHOD(Fixture, "vm run: without a command runs a login shell with standard input") {
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 0}, &spec); };
  CHECK(run({"vm", "run", "--rm"}).status == 0);
  CHECK(spec.argv.empty());
  CHECK(spec.user.empty());
  CHECK(spec.main == link::MainCommand::no);
  CHECK(!spec.tty);
}

TEST_CASE_METHOD(Fixture, "vm run: an image's own command runs with --entrypoint, and instead of a missing shell") {
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 0}, &spec); };
  CHECK(run({"vm", "run", "--rm", "--entrypoint", "--", "-p", "80"}).status == 0);
  CHECK(spec.main == link::MainCommand::yes);
  CHECK(spec.argv == std::vector<std::string>{"-p", "80"});

  auto create = daemon.answers["vm.create"];
  daemon.answers["vm.create"] = [create](const Json& params) {
    auto answer = create(params);
    if (answer) (*answer)["config"] = {{"cmd", {"serve"}}};
    return answer;
  };
  CHECK(run({"vm", "run", "--rm"}).status == 0);
  CHECK(spec.main == link::MainCommand::instead_of_shell);
  CHECK(spec.argv.empty());
  CHECK(run({"vm", "run", "--rm", "--", "true"}).status == 0);
  CHECK(spec.main == link::MainCommand::no);
}

TEST_CASE_METHOD(Fixture, "vm run: a VM that never became ready is kept, and its logs are named") {
  refuse("vm.create", {.code = ErrorCode::timeout, .message = "start vm 'web': the guest was not ready after 2m"});
  auto done = run({"vm", "run", "--rm", "--name", "web", "--", "true"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "banger vm logs web"));
  CHECK(daemon.called("vm.delete") == 0);
}

TEST_CASE_METHOD(Fixture, "vm run: a failed deletion is reported and gives a failure") {
  refuse("vm.delete", {.code = ErrorCode::internal, .message = "no"});
  daemon.streams["vm.exec"] = [](int socket, const Json&) { finish(socket, "", {.code = 0}); };
  auto done = run({"vm", "run", "--rm", "--", "true"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "banger vm delete --force made-up"));
}

TEST_CASE_METHOD(Fixture, "vm run: -q prints only what the command prints, and errors") {
  daemon.stages = {"template"};
  auto done = run({"vm", "run", "-q", "--", "true"});
  CHECK(done.status == 7);
  CHECK(done.out == "out\n");
  CHECK(done.err.empty());
  refuse("vm.create", {.code = ErrorCode::exists, .message = "the name is taken"});
  CHECK(run({"vm", "run", "-q", "--", "true"}).err == "banger: the name is taken\n");
}

TEST_CASE_METHOD(Fixture, "vm run: --detach prints the name and runs nothing") {
  auto done = run({"vm", "run", "--detach", "--name", "web"});
  CHECK(done.status == 0);
  CHECK(done.out == "web\n");
  CHECK(daemon.called("vm.exec") == 0);
  CHECK(run({"vm", "run", "--detach", "--rm"}).status == 2);
  CHECK(run({"vm", "run", "--detach", "-t", "--", "true"}).status == 2);
  auto bytes = run({"vm", "run", "--detach", "--", "echo", "\xff"});
  CHECK(bytes.status == 125);
  CHECK(bytes.err ==
        "banger: the word of the command '\\xff' is not UTF-8 text, as a session needs (hint: 'vm exec' passes all "
        "bytes)\n");
}

TEST_CASE_METHOD(Fixture, "vm run: --detach leaves a command or the image's own one running") {
  answer("vm.session.start", session_object("main"));
  auto done = run({"vm", "run", "--detach", "--name", "web", "-w", "/srv", "--", "serve", "-p"});
  CHECK(done.status == 0);
  CHECK(done.out == "web\n");
  auto first = sent("vm.session.start");
  CHECK(first["name"] == "main");
  CHECK(first["argv"] == Json::array({"serve", "-p"}));
  CHECK(first["stdin_mode"] == "none");
  CHECK(first["cwd"] == "/srv");
  CHECK(first["main"] == false);
  refuse("vm.session.start", {.code = ErrorCode::invalid, .message = "'nope': command not found in the guest"});
  done = run({"vm", "run", "-d", "--name", "web", "--", "nope"});
  CHECK(done.status == 125);
  CHECK(done.out == "web\n");  // the VM is there, and runs
  CHECK(contains(done.err, "command not found"));
}

TEST_CASE_METHOD(Fixture, "vm run: --detach starts the image's own command as a session too") {
  answer("vm.session.start", session_object("main"));
  CHECK(run({"vm", "run", "-d", "--entrypoint"}).status == 0);
  CHECK(sent("vm.session.start")["main"] == true);
  CHECK_FALSE(sent("vm.session.start").contains("argv"));
}

TEST_CASE_METHOD(Fixture, "vm session start: passes all options on, and prints the state or the id") {
  answer("vm.session.start", session_object("one"));
  auto done = run({"vm", "session", "start", "web", "--name", "one", "--cwd", "/x", "--require-command", "git",
                   "--require-command", "make", "-u", "dev", "-e", "A=b", "--", "make", "-j4"});
  CHECK(done.out == "one: running\n");
  auto params = sent("vm.session.start");
  CHECK(params["vm"] == "web");
  CHECK(params["require"] == Json::array({"git", "make"}));
  CHECK(params["argv"] == Json::array({"make", "-j4"}));
  CHECK(params["env"] == Json{{"A", "b"}});
  CHECK(params["user"] == "dev");
  CHECK(params["stdin_mode"] == "pipe");
  CHECK(run({"vm", "session", "start", "-q", "web", "true"}).out == "id-one\n");
  CHECK(run({"vm", "session", "start", "web"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm session: the state is readable, and --json has the object") {
  auto killed = session_object("one");
  killed["state"] = "exited";
  killed["exit_signal"] = 15;
  answer("vm.session.list", {{"sessions", {killed, session_object("two")}}});
  auto list = run({"vm", "session", "list", "web"});
  CHECK(contains(list.out, "killed by SIGTERM"));
  CHECK(contains(list.out, "running"));
  CHECK(parse_json(run({"vm", "session", "list", "web", "--json"}).out, 1 << 20)->size() == 2);
  answer("vm.session.show", killed);
  CHECK(contains(run({"vm", "session", "show", "web", "one"}).out, "killed by SIGTERM"));
  answer("vm.session.stop", killed);
  CHECK(run({"vm", "session", "stop", "web", "one", "--timeout", "2s"}).out == "one: killed by SIGTERM\n");
  CHECK(sent("vm.session.stop")["timeout_ms"] == 2000);
}

TEST_CASE_METHOD(Fixture, "vm session logs: both outputs stay separate, and lost bytes are told") {
  answer("vm.session.logs", session_object("one"));
  daemon.streams["vm.session.logs"] = [](int socket, const Json&) {
    std::string frames;
    link::encode_frame(link::FrameType::started, "", frames);
    link::encode_frame(link::FrameType::position, link::encode_position({.unix_ms = 1, .out = 100, .err = 0}), frames);
    link::encode_frame(link::FrameType::stdout_data, "out\n", frames);
    link::encode_frame(link::FrameType::stderr_data, "err\n", frames);
    link::encode_frame(link::FrameType::exit, R"({"code":0})", frames);
    (void)host::write_all(socket, frames);
  };
  auto done = run({"vm", "session", "logs", "web", "one", "--since", "@5"});
  CHECK(done.status == 0);
  CHECK(done.out == "out\n");
  CHECK(done.err == "err\n");
  CHECK(sent("vm.session.logs")["since_ms"] == 5000);
  CHECK(contains(run({"vm", "session", "logs", "web", "one"}).err, "banger: 100 bytes are no longer in the log\n"));
  daemon.streams["vm.session.logs"] = [](int, const Json&) {};
  CHECK(run({"vm", "session", "logs", "web", "one"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "vm session attach: its status is that of the session, and the end of input is not sent") {
  answer("vm.session.attach", session_object("one"));
  daemon.streams["vm.session.attach"] = [](int socket, const Json&) {
    std::string frames;
    link::encode_frame(link::FrameType::started, "", frames);
    link::encode_frame(link::FrameType::stdout_data, "old and new\n", frames);
    link::encode_frame(link::FrameType::exit, R"({"code":3})", frames);
    (void)host::write_all(socket, frames);
    char byte;
    while (::read(socket, &byte, 1) > 0) {
    }
  };
  auto done = run({"vm", "session", "attach", "web", "one"});
  CHECK(done.status == 3);
  CHECK(done.out == "old and new\n");
  CHECK(sent("vm.session.attach")["steal"] == false);
  CHECK(run({"vm", "session", "attach", "web", "one", "--steal", "--read-only"}).status == 2);
  CHECK(run({"vm", "session", "attach", "web", "one", "--detach-keys", "strg-p"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "vm session send: words are a line, and the end of input only comes with --close") {
  answer("vm.session.send", session_object("one"));
  CHECK(run({"vm", "session", "send", "web", "one", "go", "on"}).status == 0);
  CHECK(sent("vm.session.send")["data"] == "Z28gb24K");
  CHECK_FALSE(sent("vm.session.send").contains("close"));
  answer("vm.session.signal", session_object("one"));
  CHECK(run({"vm", "session", "signal", "web", "one", "usr1"}).status == 0);
  CHECK(sent("vm.session.signal")["signal"] == SIGUSR1);
  CHECK(run({"vm", "session", "signal", "web", "one", "happy"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "vm shell --session: needs a terminal") {
  CHECK(run({"vm", "shell", "web", "--session", "dev"}).status == 125);
  CHECK(daemon.called("vm.session.start") == 0);
}

TEST_CASE_METHOD(Fixture, "vm create, vm run: a variable that no VM can have is refused before anything is made") {
  for (auto variable : {std::string("B=\xe9"), "B=" + std::string(131'070, 'x')})
    for (auto command : {"create", "run"}) {
      auto done = run({"vm", command, "--env", variable});
      CHECK(done.status == 125);
      CHECK(contains(done.err, "the variable 'B' "));
    }
  CHECK(daemon.called("vm.create") == 0);
  home.variables["OWN"] = "\xe9";
  CHECK(run({"vm", "create", "--env", "OWN"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "vm create, vm run: a variable that some programs do not get has a note") {
  CHECK(run({"vm", "create", "--env", "A=b c"}).err.find("variable") == std::string::npos);
  CHECK(
      contains(run({"vm", "create", "--env", "a.b=1"}).err,
               "banger: the variable 'a.b' reaches commands of 'vm exec', but not login shells and services: shells do "
               "not accept its name\n"));
  CHECK(contains(run({"vm", "run", "--env", "N=1\n2", "--", "true"}).err,
                 "banger: the variable 'N' reaches commands of 'vm exec', but not services and cron jobs: "));
}

TEST_CASE_METHOD(Fixture, "vm run: a command that no Linux can execute is refused before a VM is made") {
  auto done = run({"vm", "run", "--rm", "--", "echo", std::string(131'072, 'x')});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "argument 1 of the command has 131072 bytes, and Linux takes 131071 at most"));
  CHECK(run({"vm", "run", "--rm", "--", ""}).status == 125);
  CHECK(daemon.called("vm.create") == 0);
}

TEST_CASE_METHOD(Fixture, "vm exec: bytes that are not UTF-8 reach the guest unaltered") {
  link::ExecSpec spec;
  home.variables["\xe9"] = "\xff";
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 0}, &spec); };
  auto done =
      run({"vm", "exec", "web", "-u", "\xfe", "-w", "\xfd", "-e", "B=\xe9", "-e", "\xe9", "--", "a\xff", "\xc3"});
  CHECK(done.status == 0);
  CHECK(spec.argv == std::vector<std::string>{"a\xff", "\xc3"});
  CHECK(spec.env == std::map<std::string, std::string>{{"B", "\xe9"}, {"\xe9", "\xff"}});
  CHECK(spec.user == "\xfe");
  CHECK(spec.cwd == "\xfd");
}

TEST_CASE_METHOD(Fixture, "vm commands: a name that is not UTF-8 is refused and never changed") {
  for (const auto& words : std::vector<std::vector<std::string>>{{"vm", "show", "\xff"},
                                                                 {"vm", "delete", "\xff"},
                                                                 {"vm", "exec", "\xff", "--", "true"},
                                                                 {"vm", "create", "--name", "\xff"},
                                                                 {"vm", "create", "--label", "a=\xff"},
                                                                 {"image", "import", "x", "/\xff"}}) {
    auto done = run(words);
    CHECK(done.status == 125);
    CHECK(contains(done.err, "is not UTF-8 text"));
  }
  for (const auto& call : daemon.calls()) CHECK(call.find("\xef\xbf\xbd") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "vm exec: options reach the guest, and a command that cannot run says why") {
  link::ExecSpec spec;
  home.variables["LANG"] = "C.UTF-8";
  daemon.streams["vm.exec"] = [&](int socket, const Json&) {
    finish(socket, "", {.code = 127, .message = "nope: not found"}, &spec);
  };
  auto done = run(
      {"vm", "exec", "web", "-u", "me", "-w", "/srv", "-e", "A=1", "-e", "LANG", "-e", "UNSET", "--", "nope", "-x"});
  CHECK(done.status == 127);
  CHECK(done.err == "banger: nope: not found\n");
  CHECK(spec.argv == std::vector<std::string>{"nope", "-x"});
  CHECK(spec.user == "me");
  CHECK(spec.cwd == "/srv");
  CHECK(spec.env == std::map<std::string, std::string>{{"A", "1"}, {"LANG", "C.UTF-8"}});
  CHECK(sent("vm.exec") == Json{{"vm", "web"}});
}

TEST_CASE_METHOD(Fixture, "vm exec: without '--', with --no-stdin, and detached") {
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 0}, &spec); };
  CHECK(run({"vm", "exec", "web", "ls", "-la"}).status == 0);
  CHECK(spec.argv == std::vector<std::string>{"ls", "-la"});
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  home.in = reader.get();
  REQUIRE(host::write_all(writer.get(), "a line"));
  CHECK(run({"vm", "exec", "-n", "web", "cat"}).status == 0);
  CHECK(run({"vm", "exec", "-d", "web", "sleep", "9"}).status == 0);
  CHECK(spec.argv == std::vector<std::string>{"sleep", "9"});
  CHECK(spec.detach);
  char kept[16];
  CHECK(::read(reader.get(), kept, sizeof kept) == 6);  // nobody has read the line
  CHECK(run({"vm", "exec", "-n", "-i", "web", "cat"}).status == 2);
  CHECK(run({"vm", "exec", "-d", "-t", "web", "top"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm exec -it: is refused without a terminal before a VM is made") {
  auto done = run({"vm", "run", "-it", "--", "top"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "-t needs a terminal, but standard input is not one (hint: leave out -t)"));
  CHECK(daemon.calls().empty());
  // With -t alone, no input is passed on, so no terminal is needed.
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 0}, &spec); };
  CHECK(run({"vm", "exec", "-t", "web", "--", "top"}).status == 0);
  CHECK(spec.tty);
}

TEST_CASE_METHOD(Fixture,
                 "vm shell: the guest gets a terminal of the same size, and the terminal is restored afterwards") {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(master);
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  UniqueFd terminal(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE(terminal);
  winsize size{.ws_row = 50, .ws_col = 132};
  REQUIRE(::ioctl(terminal.get(), TIOCSWINSZ, &size) == 0);
  home.in = terminal.get();
  home.variables["TERM"] = "vt100";
  link::ExecSpec spec;
  bool raw = false, raw_before_it_runs = false;
  auto is_raw = [&] {
    termios mode{};
    ::tcgetattr(terminal.get(), &mode);
    return !(mode.c_lflag & (ICANON | ECHO | ISIG));
  };
  SECTION("after the shell's end") {
    daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", {.code = 3}, &spec); };
    CHECK(run({"vm", "shell", "web"}).status == 3);
    CHECK(spec.tty);
    CHECK(spec.rows == 50);
    CHECK(spec.cols == 132);
    CHECK(spec.term == "vt100");
  }
  SECTION("after the connection broke, with keys passed on raw") {
    daemon.streams["vm.exec"] = [&](int socket, const Json&) {
      link::FrameDecoder decoder;
      char chunk[65536];
      for (ssize_t count; (count = ::read(socket, chunk, sizeof chunk)) > 0;) {
        decoder.feed({chunk, static_cast<std::size_t>(count)});
        for (auto frame = decoder.next(); frame && *frame; frame = decoder.next()) {
          if ((*frame)->type == link::FrameType::spec) {
            raw_before_it_runs = is_raw();
            std::string started;
            link::encode_frame(link::FrameType::started, "", started);
            (void)host::write_all(socket, started);
            auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
            while (!is_raw() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
            (void)host::write_all(master.get(), "\x03");
          }
          if ((*frame)->type != link::FrameType::stdin_data) continue;
          raw = is_raw() && (*frame)->payload == "\x03";
          return;
        }
      }
    };
    CHECK(run({"vm", "shell", "web"}).status == 125);
    CHECK(raw);
    CHECK(!raw_before_it_runs);  // so that Ctrl-C ends the wait for a guest that does not answer
  }
  CHECK(!is_raw());
}

namespace {

// A VM whose connection is lost while a command runs, and which then ends as `end` says.
struct Ending : Fixture {
  void ends(const std::string& end) {
    answer("vm.exec", {{"id", "idweb"}, {"name", "web"}});
    daemon.streams["vm.exec"] = [](int socket, const Json&) {
      char chunk[65536];
      (void)!::read(socket, chunk, sizeof chunk);
    };
    daemon.answers["vm.show"] = [this, end](const Json&) -> Result<Json> {
      // The daemon notices the end a moment later.
      auto vm = vm_object("web", daemon.called("vm.show") > 1 ? "stopped" : "running");
      vm["agent_ready"] = false;
      vm["ended"] = end;
      return vm;
    };
  }
};

}  // namespace

TEST_CASE_METHOD(Ending, "vm shell: a VM that was shut down in its shell is no failure") {
  for (auto [end, says] : {std::pair{"the guest shut down", "was shut down"},
                           {"the guest rebooted", "was rebooted"},
                           {"stopped", "was stopped"},
                           {"suspended", "was suspended"}}) {
    ends(end);
    auto done = run({"vm", "shell", "web"});
    CHECK(done.status == 0);
    CHECK(done.err == std::string("banger: vm 'web' ") + says + "\n");
  }
}

TEST_CASE_METHOD(Ending, "vm exec and shell: a lost command says how its VM has ended") {
  ends("the guest shut down");
  auto exec = run({"vm", "exec", "web", "--", "true"});
  CHECK(exec.status == 125);
  CHECK(exec.err == "banger: vm 'web' was shut down, before the command ended\n");
  ends("kernel panic: Oops");
  auto shell = run({"vm", "shell", "web"});
  CHECK(shell.status == 125);
  CHECK(shell.err == "banger: vm 'web' has ended: kernel panic: Oops, before the command ended\n");
}

TEST_CASE_METHOD(Ending, "vm exec: a lost command of a VM that runs on names the VM") {
  ends("");
  daemon.answers["vm.show"] = [](const Json&) -> Result<Json> { return vm_object("web"); };
  auto done = run({"vm", "exec", "web", "--", "true"});
  CHECK(done.status == 125);
  CHECK(done.err.starts_with("banger: vm 'web': the connection to the command was lost before it ended"));
}

TEST_CASE_METHOD(Fixture, "vm shell: a guest that ends its commands in order is no failure") {
  answer("vm.exec", {{"id", "idweb"}, {"name", "web"}});
  daemon.streams["vm.exec"] = [](int socket, const Json&) { finish(socket, "", {.signal = SIGHUP, .ending = true}); };
  auto shell = run({"vm", "shell", "web"});
  CHECK(shell.status == 0);
  CHECK(shell.err == "banger: vm 'web' is shutting down\n");
  auto exec = run({"vm", "exec", "web", "--", "sleep", "9"});
  CHECK(exec.status == 129);
  CHECK(exec.err == "banger: vm 'web' is shutting down\n");
}

TEST_CASE_METHOD(Fixture, "fan-out: every VM has a line, and a failure decides the status without stopping others") {
  daemon.answers["vm.stop"] = [](const Json& params) -> Result<Json> {
    if (params.at("vm") == "b") return fail(ErrorCode::not_found, "there is no VM 'b'", "did you mean 'a'?");
    return vm_object(params.at("vm"), "stopped");
  };
  auto done = run({"vm", "stop", "a", "b", "c", "a", "--timeout", "5s"});
  CHECK(done.status == 125);
  CHECK(contains(done.out, "a: stopped\n"));
  CHECK(contains(done.out, "c: stopped\n"));
  CHECK(done.err == "banger: there is no VM 'b' (hint: did you mean 'a'?)\n");
  CHECK(daemon.called("vm.stop") == 3);
  CHECK(sent("vm.stop").at("timeout_ms") == 5000);
  CHECK(run({"vm", "stop", "a", "--timeout", "2h"}).err == "banger: --timeout: more than an hour is too long\n");
  CHECK(run({"vm", "stop", "a", "c"}).status == 0);
  CHECK(run({"vm", "stop", "b"}).status == 125);
}

TEST_CASE_METHOD(Fixture, "fan-out: --json prints an array of the results, in the order of the command line") {
  daemon.answers["vm.stop"] = [](const Json& params) -> Result<Json> {
    if (params.at("vm") == "bad") return fail(ErrorCode::not_found, "there is no VM 'bad'");
    return vm_object(params.at("vm"), "stopped");
  };
  auto done = run({"vm", "stop", "web", "bad", "db", "--json"});
  CHECK(done.status == 125);
  CHECK(contains(done.err, "there is no VM 'bad'"));
  auto array = *parse_json(done.out, 1 << 20);
  REQUIRE(array.size() == 2);
  CHECK(array[0] == vm_object("web", "stopped"));
  CHECK(array[1] == vm_object("db", "stopped"));
  CHECK(parse_json(run({"vm", "stop", "web", "--json"}).out, 1 << 20)->size() == 1);
  CHECK(*parse_json(run({"vm", "delete", "web", "--json"}).out, 1 << 20) ==
        Json::array({{{"id", "x"}, {"name", "web"}}}));
}

TEST_CASE_METHOD(Fixture, "fan-out: more VMs than the calls that a connection may have") {
  daemon.answers["vm.kill"] = [](const Json& params) -> Result<Json> { return vm_object(params.at("vm"), "stopped"); };
  std::vector<std::string> words{"vm", "kill"};
  for (int i = 0; i < 200; ++i) words.push_back("v" + std::to_string(i));
  CHECK(run(words).status == 0);
  CHECK(daemon.called("vm.kill") == 200);
}

TEST_CASE_METHOD(Fixture, "vm stop and restart: a machine that was killed is reported, on standard error and in JSON") {
  auto stopped = vm_object("web", "stopped");
  answer("vm.stop", stopped);
  auto done = run({"vm", "stop", "web"});
  CHECK(done.out == "web: stopped\n");
  CHECK(done.err == "");
  stopped["forced"] = "the guest did not power off in time; its machine was killed";
  answer("vm.stop", stopped);
  done = run({"vm", "stop", "web"});
  CHECK(done.status == 0);
  CHECK(done.out == "web: stopped\n");
  CHECK(done.err == "banger: web: the guest did not power off in time; its machine was killed\n");
  CHECK(Json::parse(run({"vm", "stop", "web", "--json"}).out) == Json::array({stopped}));
  auto restarted = vm_object("web");
  restarted["forced"] = "reason";
  answer("vm.restart", restarted);
  CHECK(run({"vm", "restart", "web", "--wait", "agent"}).err == "banger: web: reason\n");
  CHECK(sent("vm.restart") == Json{{"vm", "web"}, {"wait", "agent"}});
}

TEST_CASE_METHOD(Fixture, "vm restart: takes the same timeout as vm stop") {
  answer("vm.restart", vm_object("web"));
  CHECK(run({"vm", "restart", "web", "--timeout", "5s"}).status == 0);
  CHECK(sent("vm.restart") == Json{{"vm", "web"}, {"timeout_ms", 5000}});
  auto long_one = run({"vm", "restart", "web", "--timeout", "2h"});
  CHECK(long_one.status == 2);
  CHECK(contains(long_one.err, "--timeout: more than an hour is too long"));
}

TEST_CASE_METHOD(Fixture, "--all: every command that changes the state of VMs takes those in a fitting state") {
  answer("vm.list", {{"vms",
                      {vm_object("run"), vm_object("down", "stopped"), vm_object("saved", "suspended"),
                       vm_object("booting", "starting")}}});
  std::vector<std::pair<std::string, std::set<std::string>>> expected{
      {"start", {"iddown", "idsaved"}}, {"stop", {"idrun", "idbooting"}}, {"restart", {"idrun"}},
      {"kill", {"idrun", "idbooting"}}, {"suspend", {"idrun"}},           {"resume", {"idsaved"}}};
  for (const auto& [command, ids] : expected) {
    INFO(command);
    std::set<std::string> changed;
    std::mutex lock;
    daemon.answers["vm." + command] = [&](const Json& params) -> Result<Json> {
      std::scoped_lock held(lock);
      changed.insert(params.at("vm").get<std::string>());
      return vm_object("x");
    };
    CHECK(run({"vm", command, "--all"}).status == 0);
    CHECK(changed == ids);
    CHECK(run({"vm", command, "--all", "web"}).status == 2);
    CHECK(contains(run({"vm", command}).err, "'vm " + command + "' needs VM or --all"));
  }
  answer("vm.list", {{"vms", Json::array()}});
  CHECK(run({"vm", "stop", "--all", "--json"}).out == "[]\n");
}

TEST_CASE_METHOD(Fixture, "vm delete and set: send their options, and set prints what needs a restart") {
  CHECK(run({"vm", "rm", "-f", "web"}).out == "web: deleted\n");
  CHECK(sent("vm.delete") == Json{{"vm", "web"}, {"force", true}});
  auto changed = vm_object("web");
  changed["restart_needed"] = {"vcpus", "memory_bytes"};
  answer("vm.set", changed);
  auto done = run({"vm", "set", "web", "--vcpu", "4", "--memory", "2048"});
  CHECK(done.out == "web: set; --vcpu, --memory will change at the next start ('banger vm restart web')\n");
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"vcpus", 4}, {"memory_bytes", 2ll << 30}});
  CHECK(run({"vm", "set", "web"}).status == 2);
  CHECK(run({"vm", "set", "web", "--clear-labels", "--label", "a=b"}).status == 2);
  changed["restart_needed"] = {"name"};
  answer("vm.set", changed);
  CHECK(contains(run({"vm", "set", "old", "--name", "web"}).out, "set; the guest's host name will change"));
  CHECK(run({"vm", "set", "a", "b", "--name", "c"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm acp: a command runs without a terminal, in the directory that the editor names") {
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "{}\n", link::ExecExit{}, &spec); };
  auto done = run({"vm", "acp", "web", "--cwd", "/root/repo", "-e", "A=b", "--", "gemini", "--acp"});
  CHECK(done.status == 0);
  CHECK(done.out == "{}\n");
  CHECK(done.err.empty());
  CHECK(spec.argv == std::vector<std::string>{"gemini", "--acp"});
  CHECK(spec.cwd == "/root/repo");
  CHECK(spec.env.at("A") == "b");
  CHECK_FALSE(spec.tty);
}

TEST_CASE_METHOD(Fixture, "vm acp: without a command, a known agent is found, and nothing else is printed") {
  link::ExecSpec spec;
  daemon.streams["vm.exec"] = [&](int socket, const Json&) { finish(socket, "", link::ExecExit{}, &spec); };
  REQUIRE(run({"vm", "acp", "web"}).status == 0);
  REQUIRE(spec.argv.size() == 3);
  test::TempDir guest;
  // The script runs here as in a guest that has these programs only, and no profile of its own for all users.
  auto in_guest = [&](const std::string& input) {
    auto script = spec.argv[2];
    for (auto at = script.find("/etc/profile"); at != script.npos; at = script.find("/etc/profile"))
      script.replace(at, 12, "/none/shared");
    guest.put("script", script);
    guest.put("input", input);
    auto line = fmt::format("cd {0}; env -i HOME={0} PATH={0}/none /bin/sh script <input >out 2>err; echo $? >status",
                            guest.path());
    REQUIRE(::system(line.c_str()) == 0);
    return test::Outcome{.status = std::stoi(guest.get("status")), .out = guest.get("out"), .err = guest.get("err")};
  };
  auto none = in_guest("");
  CHECK(none.status == 127);
  CHECK(none.out.empty());
  CHECK(contains(none.err, "looked for claude-agent-acp, claude-code-acp, codex-acp, gemini --experimental-acp"));
  // The profile is noisy, reads its input, and finds a directory that PATH lacks.
  guest.put(".profile", "echo noise; echo noise >&2; read x; PATH=$HOME/bin\n");
  guest.put("bin/goose", "#!/bin/sh\nread line; echo \"goose $* got $line\"\nexit 3\n");
  REQUIRE(::chmod((guest / "bin/goose").c_str(), 0755) == 0);
  auto goose = in_guest("hello\n");
  CHECK(goose.status == 3);
  CHECK(goose.out == "goose acp got hello\n");
  CHECK(goose.err.empty());
}

TEST_CASE_METHOD(Fixture, "vm list and show: a template prints fields of the JSON") {
  CHECK(run({"vm", "list", "--format", R"({name}\t{state})"}).out == "web\trunning\ndb\tstopped\n");
  CHECK(run({"vm", "list", "--format", "{id}", "-f", "state=stopped"}).out == "iddb\n");
  CHECK(run({"vm", "show", "web", "--format", "{id} {image}"}).out == "idweb debian\n");
  auto unknown = run({"vm", "list", "--format", "{nmae}"});
  CHECK(unknown.status == 2);
  CHECK(contains(unknown.err, "there is no field 'nmae'"));
  CHECK(contains(unknown.err, "id, name, state"));
  CHECK(run({"vm", "list", "--format", "{id}", "--json"}).status == 2);
  CHECK(run({"vm", "list", "--format", "{id}", "-q"}).status == 2);
  CHECK(run({"vm", "show", "web", "--format", "{id", "--json"}).status == 2);
}

TEST_CASE_METHOD(Fixture, "vm events: lines for people, and JSON as the daemon sends it") {
  auto event = [](const char* what, const char* name, const char* detail) {
    return dump_json({{"sequence", 1},
                      {"time_ms", 1'767'323'045'678},
                      {"event", what},
                      {"id", "idweb"},
                      {"name", name},
                      {"state", "stopped"},
                      {"detail", detail}}) +
           "\n";
  };
  auto lines = event("current", "web", "") + event("stopped", "web", "the guest shut down\x1b[31m") +
               event("missed", "", "17") + event("deleted", "web", "");
  answer("vm.events", Json::object());
  daemon.streams["vm.events"] = [lines](int socket, const Json&) { (void)host::write_all(socket, lines); };
  auto done = run({"vm", "events", "web", "--since", "10m"});
  CHECK(done.status == 0);
  CHECK(done.out ==
        "2026-01-02 03:04:05 UTC  web  current (stopped)\n"
        "2026-01-02 03:04:05 UTC  web  stopped (the guest shut down?[31m)\n"
        "2026-01-02 03:04:05 UTC  missed (17)\n"
        "2026-01-02 03:04:05 UTC  web  deleted\n");
  CHECK(sent("vm.events") == Json{{"vms", {"web"}}, {"since_ms", 600'000}});
  CHECK(run({"vm", "events", "web", "--json"}).out == lines);
  // Without a name, the stream only ends with the daemon.
  auto ended = run({"vm", "events"});
  CHECK(ended.status == 125);
  CHECK(contains(ended.err, "the daemon has ended"));
}

TEST_CASE_METHOD(Fixture, "vm set: a change of the egress policy shows all of it") {
  auto changed = vm_object("web");
  changed["egress"] = "none";
  changed["allow"] = {"a.org", "*.b.org:443"};
  answer("vm.set", changed);
  CHECK(run({"vm", "set", "web", "--allow", "a.org", "--allow", "*.b.org:443"}).out ==
        "web: set; egress none, and a.org, *.b.org:443\n");
  changed.erase("allow");
  answer("vm.set", changed);
  CHECK(run({"vm", "set", "web", "--egress", "none"}).out == "web: set; egress none\n");
}

TEST_CASE_METHOD(Fixture, "vm create, set, show and ports: published ports") {
  CHECK(run({"vm", "create", "--name", "web", "-p", "8080:80", "--publish", "0.0.0.0:443:443"}).status == 0);
  CHECK(sent("vm.create").at("publish") == Json::array({"8080:80", "0.0.0.0:443:443"}));
  auto wrong = run({"vm", "create", "-p", "80"});
  CHECK(wrong.status == 125);
  CHECK(contains(wrong.err, "'80' is not HOSTPORT:PORT or ADDRESS:HOSTPORT:PORT"));
  answer("vm.set", vm_object("web"));
  CHECK(run({"vm", "set", "web", "--clear-publish"}).status == 0);
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"publish", Json::array()}});
  CHECK(run({"vm", "set", "web", "--clear-publish", "-p", "1:2"}).status == 2);
  CHECK(run({"vm", "set", "a", "b", "-p", "1:2"}).status == 2);
  auto shown = vm_object("web");
  shown["publish"] = {"127.0.0.1:8080:80"};
  shown["publish_problems"] = {"publish port 127.0.0.1:8080: taken"};
  answer("vm.show", shown);
  auto table = run({"vm", "show", "web"}).out;
  CHECK(contains(table, "127.0.0.1:8080 -> 80\n"));
  CHECK(contains(table, "publish port 127.0.0.1:8080: taken\n"));
  Json row{{"protocol", "tcp"}, {"address", "0.0.0.0"}, {"port", 80}, {"process", "x"}, {"command", "x"}, {"pid", 1}};
  row["published"] = {"127.0.0.1:8080"};
  answer("vm.ports", {{"ports", Json::array({row})}});
  CHECK(run({"vm", "ports", "web"}).out ==
        "PROTO  ENDPOINT  PROCESS  COMMAND  PUBLISHED\ntcp    *:80      x        x        127.0.0.1:8080\n");
}

TEST_CASE_METHOD(Fixture, "vm ports: one line for a listener on both address families") {
  answer("vm.ports",
         {{"ports",
           {{{"protocol", "tcp"},
             {"address", "0.0.0.0"},
             {"port", 80},
             {"process", "nginx"},
             {"command", "nginx -g"},
             {"pid", 1}},
            {{"protocol", "tcp"},
             {"address", "::"},
             {"port", 80},
             {"process", "nginx"},
             {"command", "nginx -g"},
             {"pid", 1}},
            {{"protocol", "tcp"}, {"address", "::1"}, {"port", 25}, {"process", "x"}, {"command", "x"}, {"pid", 2}}}}});
  CHECK(run({"vm", "ports", "web"}).out ==
        "PROTO  ENDPOINT  PROCESS  COMMAND\ntcp    *:80      nginx    nginx -g\ntcp    [::1]:25  x        x\n");
}

TEST_CASE_METHOD(Fixture, "vm ports: shows links, and the reason for ports that are not forwarded once") {
  auto row = [](int port, const char* scheme, const char* url, const char* note, const char* hint) {
    return Json{{"protocol", "tcp"}, {"address", "0.0.0.0"}, {"port", port}, {"process", "x"}, {"command", "x"},
                {"pid", 1},          {"scheme", scheme},     {"url", url},   {"forward", ""},  {"note", note},
                {"hint", hint}};
  };
  answer("vm.ports", {{"ports",
                       {row(8080, "http", "http://web.vm:8080/", "", ""), row(80, "http", "", "too low", "first"),
                        row(22, "", "", "too low", "second"), row(5000, "", "", "taken", "third")}}});
  auto done = run({"vm", "ports", "web"});
  CHECK(contains(done.out, "http   http://web.vm:8080/  x"));
  CHECK(contains(done.out, "http   *:80                 x"));
  CHECK(contains(done.out, "tcp    *:22                 x"));
  CHECK(contains(done.err, "not forwarded: 80, 22: too low (hint: first)"));
  CHECK(contains(done.err, "not forwarded: 5000: taken (hint: third)"));
  CHECK((*parse_json(run({"vm", "ports", "web", "--json"}).out, 1 << 20))[0].at("url") == "http://web.vm:8080/");
}

TEST_CASE_METHOD(Fixture, "vm ports: says that connections wait for a port that is forwarded") {
  Json row = {{"protocol", "tcp"}, {"address", "0.0.0.0"}, {"port", 80},
              {"process", "x"},    {"command", "x"},       {"pid", 1}};
  row.update({{"forward", "127.64.0.3:80"}, {"note", "64 connections are open"}, {"hint", "end some"}});
  answer("vm.ports", {{"ports", Json::array({row})}});
  CHECK(contains(run({"vm", "ports", "web"}).err, "busy: 80: 64 connections are open (hint: end some)"));
}

TEST_CASE_METHOD(Fixture, "vm stats: all running VMs when none is named") {
  answer(
      "vm.stats",
      {{"cpu_percent", 12.34}, {"memory_used_bytes", 1 << 20}, {"memory_total_bytes", 1 << 30}, {"uptime_ms", 61000}});
  auto done = run({"vm", "stats"});
  CHECK(contains(done.out, "web  12.3%"));
  CHECK(contains(done.out, "1M / 1G"));
  CHECK(daemon.called("vm.stats") == 1);
  CHECK((*parse_json(run({"vm", "stats", "db", "--json"}).out, 1 << 20))[0].at("vm") == "db");
}

TEST_CASE_METHOD(Fixture, "vm stats: a guest that does not answer costs the others nothing, and has its reason") {
  answer("vm.list", {{"vms", {vm_object("web"), vm_object("sick"), vm_object("db")}}});
  auto figures = Json{{"cpu_percent", 12.34}, {"memory_total_bytes", 1 << 30}};
  Error late{.code = ErrorCode::timeout, .message = "vm 'sick': the guest did not answer in time", .hint = "look"};
  daemon.answers["vm.stats"] = [&](const Json& params) -> Result<Json> {
    if (params.at("vm") == "sick") return std::unexpected(late);
    return test::with_defaults<api::VmStats>(figures);
  };
  auto all = run({"vm", "stats"});
  CHECK(all.status == 125);
  CHECK(contains(all.out, "\nweb   12.3%"));
  CHECK(contains(all.out, "\nsick  -  "));
  CHECK(contains(all.out, "\ndb    12.3%"));
  CHECK(all.err == "banger: vm 'sick': the guest did not answer in time (hint: look)\n");
  CHECK(sent("vm.stats").at("timeout_ms") == 5000);
  CHECK(!sent("vm.stats").contains("max_age_ms"));
  auto json = *parse_json(run({"vm", "stats", "--json"}).out, 1 << 20);
  REQUIRE(json.size() == 3);
  CHECK(json[1] ==
        Json{{"vm", "sick"}, {"error", {{"code", "timeout"}, {"message", late.message}, {"hint", late.hint}}}});
  CHECK(json[2].at("cpu_percent") == 12.34);
  auto alone = run({"vm", "stats", "sick"});
  CHECK(alone.status == 125);
  CHECK(alone.out.empty());
  CHECK(alone.err == "banger: vm 'sick': the guest did not answer in time (hint: look)\n");
}

TEST_CASE_METHOD(Fixture, "vm stats: every figure of --watch is fresh") {
  auto thread = ::pthread_self();
  daemon.answers["vm.stats"] = [&](const Json&) -> Result<Json> {
    ::pthread_kill(thread, SIGINT);
    return test::with_defaults<api::VmStats>(Json::object());
  };
  CHECK(run({"vm", "stats", "--watch"}).status == 130);
  CHECK(sent("vm.stats").at("max_age_ms") == 0);
}

TEST_CASE_METHOD(Fixture, "vm logs: every byte goes into a pipe, and the options to the daemon") {
  answer("vm.logs", Json::object());
  daemon.streams["vm.logs"] = [](int socket, const Json&) { (void)host::write_all(socket, "a\033[2Jb\n"); };
  CHECK(run({"vm", "logs", "web", "--source", "machine", "--tail", "20"}).out == "a\033[2Jb\n");
  CHECK(sent("vm.logs") == Json{{"vm", "web"}, {"source", "machine"}, {"follow", false}, {"tail_lines", 20}});
  CHECK(run({"vm", "logs", "web", "-n", "all"}).status == 0);
  CHECK(contains(daemon.calls().back(), R"("tail_bytes":9223372036854775807)"));
  CHECK(contains(run({"vm", "logs", "web", "-n", "1.5"}).err,
                 "--tail: '1.5' is not a whole number (hint: write it like 20, or all)"));
}

TEST_CASE_METHOD(Fixture, "a mistyped option before the command gets a hint with its dashes") {
  CHECK(run({"--hlep"}).err == "banger: there is no option '--hlep' (hint: did you mean '--help'?)\n");
  CHECK(run({"vm", "--hlep"}).err == "banger: there is no option 'vm --hlep' (hint: did you mean '--help'?)\n");
  CHECK(run({"vm", "lsit"}).err == "banger: there is no command 'vm lsit' (hint: did you mean 'list'?)\n");
}

TEST_CASE_METHOD(Fixture, "output: a closed reader gives 141 without a message, and a full disk is reported") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  home.out = ends[1];
  auto piped = run({"vm", "list"});
  CHECK(piped.status == 141);
  CHECK(piped.err.empty());
  ::close(ends[1]);
  home.out = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  auto full = run({"vm", "list"});
  CHECK(full.status == 125);
  CHECK(contains(full.err, "No space left on device"));
  ::close(home.out);
}

TEST_CASE_METHOD(Fixture, "interrupt: a call in flight ends with 130") {
  auto thread = ::pthread_self();
  daemon.answers["vm.start"] = [&](const Json&) -> Result<Json> {
    ::pthread_kill(thread, SIGINT);
    ::usleep(1000);
    return fail(ErrorCode::cancelled, "cancelled");
  };
  auto done = run({"vm", "start", "web"});
  CHECK(done.status == 130);
  CHECK(done.err == "banger: interrupted\n");
}

TEST_CASE_METHOD(Fixture, "interrupt: vm run --rm still deletes the VM") {
  auto thread = ::pthread_self();
  daemon.streams["vm.exec"] = [&](int socket, const Json&) {
    link::FrameDecoder decoder;
    char chunk[4096];
    for (ssize_t count; (count = ::read(socket, chunk, sizeof chunk)) > 0;) {
      decoder.feed({chunk, static_cast<std::size_t>(count)});
      for (;;) {
        auto frame = decoder.next();
        if (!frame || !*frame) break;
        if ((*frame)->type == link::FrameType::spec) ::pthread_kill(thread, SIGTERM);
        if ((*frame)->type != link::FrameType::signal) continue;
        std::string bytes;
        link::encode_frame(link::FrameType::exit, link::encode_exit({.signal = (*frame)->payload[0]}), bytes);
        (void)host::write_all(socket, bytes);
        return;
      }
    }
  };
  CHECK(run({"vm", "run", "--rm", "--", "sleep", "9"}).status == 143);
  CHECK(daemon.called("vm.delete") == 1);
}

TEST_CASE_METHOD(Fixture, "vm create, set and show: what a guest may reach") {
  CHECK(run({"vm", "create", "--egress", "ci", "--allow", "example.org:443", "--allow", "10.0.0.0/8"}).status == 0);
  CHECK(sent("vm.create").at("egress") == "ci");
  CHECK(sent("vm.create").at("allow") == Json::array({"example.org:443", "10.0.0.0/8"}));
  auto wrong = run({"vm", "create", "--egress", "No Way"});
  CHECK(wrong.status == 125);
  CHECK(contains(wrong.err, "'No Way' cannot name a policy"));
  answer("vm.set", vm_object("web"));
  CHECK(run({"vm", "set", "web", "--allow", "example.org"}).status == 0);
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"allow", {"example.org"}}});
  CHECK(run({"vm", "set", "web", "--clear-allow", "--egress", "none"}).status == 0);
  CHECK(daemon.calls().back() == R"(vm.set {"allow":[],"egress":"none","vm":"web"})");
  auto both = run({"vm", "set", "web", "--clear-allow", "--allow", "example.org"});
  CHECK(both.status == 2);
  CHECK(contains(both.err, "--clear-allow and --allow exclude each other"));

  auto shown = [&](const std::string& egress, std::vector<std::string> allow) {
    auto object = vm_object("web");
    object["egress"] = egress;
    object["allow"] = std::move(allow);
    answer("vm.show", object);
    return run({"vm", "show", "web"}).out;
  };
  CHECK(contains(shown("none", {"example.org:443", "10.0.0.0/8"}), " none, except example.org:443, 10.0.0.0/8\n"));
  CHECK(contains(shown("open", {"192.168.1.5"}), " open, also 192.168.1.5\n"));
  CHECK(contains(shown("ci", {}), " ci\n"));
  CHECK(contains(shown("none", std::vector<std::string>(23, "a.org")), "a.org and 3 more\n"));
  CHECK_FALSE(contains(shown("open", {}), "egress"));
  CHECK_FALSE(contains(shown("", {}), "egress"));
}

TEST_CASE_METHOD(Fixture, "vm egress: a table, the refused rows alone, or JSON") {
  Json allowed{{"name", "example.org"}, {"address", "93.184.216.34"},
               {"port", 443},           {"verdict", "allowed"},
               {"reason", "allowed"},   {"sent", 517},
               {"received", 4096},      {"count", 3},
               {"first_at", 1},         {"last_at", 1767323045},
               {"sequence", 1}};
  Json refused{{"name", "b.org"},
               {"verdict", "refused"},
               {"reason", "name_not_allowed"},
               {"sentence", "no \x1b rule"},
               {"sent", 0},
               {"received", 0},
               {"count", 1},
               {"first_at", 1},
               {"last_at", 1767323045},
               {"sequence", 2}};
  daemon.answers["vm.egress"] = [=](const Json& params) -> Result<Json> {
    // The second row comes with a second answer.
    bool first = params.at("since") == 0;
    return Json{{"policy", "none"},
                {"rows", Json::array({first ? allowed : refused})},
                {"sequence", first ? 1 : 2},
                {"more", first},
                {"forgotten", first ? 0 : 7}};
  };
  auto table = run({"vm", "egress", "web"});
  CHECK(table.status == 0);
  CHECK(table.out ==
        "NAME         ADDRESS        PORT  VERDICT             COUNT  SENT  RECEIVED  LAST\n"
        "example.org  93.184.216.34  443   allowed             3      517B  4K        2026-01-02 03:04:05 UTC\n"
        "b.org        -              -     refused: no ? rule  1      0B    0B        2026-01-02 03:04:05 UTC\n");
  CHECK(table.err == "banger: 7 rows are lost, because the log keeps only the last ones\n");
  auto only = run({"vm", "egress", "web", "--refused"}).out;
  CHECK_FALSE(contains(only, "example.org"));
  CHECK(contains(only, "b.org"));
  auto json = parse_json(run({"vm", "egress", "web", "--json"}).out, 1 << 20);
  REQUIRE(json);
  CHECK(*json == Json::array({allowed, refused}));
}

TEST_CASE_METHOD(Fixture, "vm egress --follow: asks for what has changed, and prints a line for each row") {
  daemon.answers["vm.egress"] = [](const Json& params) -> Result<Json> {
    auto since = params.at("since").get<int>();
    if (since == 2) return fail(ErrorCode::not_found, "there is no VM 'web'");
    Json row{{"name", "a.org"}, {"verdict", "allowed"},  {"reason", "allowed"},
             {"sent", 0},       {"received", 0},         {"count", since + 1},
             {"first_at", 1},   {"last_at", 1767323045}, {"sequence", since + 1}};
    if (since == 1) row.update({{"address", "10.0.0.1"}, {"port", 80}, {"sent", 2048}});
    return Json{
        {"policy", "none"}, {"rows", Json::array({row})}, {"sequence", since + 1}, {"more", false}, {"forgotten", 0}};
  };
  auto done = run({"vm", "egress", "web", "--follow"});
  CHECK(done.status == 125);
  CHECK(done.out ==
        "2026-01-02 03:04:05 UTC  a.org  allowed (once)\n"
        "2026-01-02 03:04:05 UTC  a.org 10.0.0.1:80  allowed (2 times, 2K sent, 0B received)\n");
  auto lines = run({"vm", "egress", "web", "-f", "--json"}).out;
  CHECK(std::ranges::count(lines, '\n') == 2);
  CHECK(lines.starts_with("{"));
}
