// --secret: values come from variables of the command's environment, or stay where the config says.
#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "catch.h"
#include "helpers.h"
#include "host/files.h"

using namespace banger;

namespace {

struct Fixture {
  Fixture() {
    daemon.answers["host.defaults"] = [](const Json&) -> Result<Json> {
      return Json{{"vcpus", 1}, {"memory_bytes", 1 << 30}, {"disk_bytes", 1 << 30}, {"system_bytes", 1 << 30}};
    };
    for (const auto* method : {"vm.create", "vm.set"})
      daemon.answers[method] = [](const Json&) -> Result<Json> { return test::vm_object("web"); };
    home.variables["TOKEN"] = "hush";
  }
  Json sent(const std::string& method) const {
    Json last;
    for (const auto& call : daemon.calls())
      if (call.starts_with(method + " ")) last = *parse_json(call.substr(method.size() + 1), 1 << 20);
    return last;
  }
  void config(const std::string& text) {
    REQUIRE(host::make_directories(home.path() + "/.config/banger"));
    REQUIRE(host::write_file(home.path() + "/.config/banger/config.toml", text));
  }
  std::string refused(const std::vector<std::string>& words) {
    auto outcome = home.run(words);
    CHECK(outcome.status == 125);
    CHECK(outcome.err.find("hush") == std::string::npos);
    CHECK(daemon.calls().empty());
    return outcome.err;
  }

  test::Home home;
  test::FakeDaemon daemon{home};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "--secret: the value of the variable goes beside the spec") {
  CHECK(home.run({"vm", "create", "--secret", "TOKEN@a.org", "--allow", "a.org"}).status == 0);
  CHECK(sent("vm.create").at("secrets") == Json::array({"TOKEN@a.org"}));
  CHECK(sent("vm.create").at("secret_values") == Json{{"TOKEN", "hush"}});
  CHECK(home.run({"vm", "set", "web", "--secret", "TOKEN@a.org"}).status == 0);
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"secrets", {"TOKEN@a.org"}}, {"secret_values", {{"TOKEN", "hush"}}}});
  CHECK(home.run({"vm", "set", "web", "--clear-secrets"}).status == 0);
  CHECK(sent("vm.set") == Json{{"vm", "web"}, {"secrets", Json::array()}});
  auto both = home.run({"vm", "set", "web", "--clear-secrets", "--secret", "TOKEN@a.org"});
  CHECK(both.status == 2);
  CHECK(both.err.find("--clear-secrets and --secret exclude each other") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "--secret: a variable that is not set is refused with the ways out, before any call") {
  CHECK(refused({"vm", "create", "--secret", "OTHER@a.org"}) ==
        "banger: the secret 'OTHER' has no value: the variable OTHER is not set (hint: run 'export OTHER' with the "
        "value, or put file or command into [secrets.OTHER] of the config)\n");
  home.variables["EMPTY"] = "";
  CHECK(refused({"vm", "run", "--secret", "EMPTY@a.org"}).find("the value of the secret 'EMPTY' is empty") !=
        std::string::npos);
  home.variables["LINES"] = "hush\nhush";
  CHECK(refused({"vm", "set", "web", "--secret", "LINES@a.org"}).find("has a line break") != std::string::npos);
  CHECK(refused({"vm", "create", "--secret", "TOKEN=hush"}).find("does not belong on a command line") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "--secret: the config names another variable, or a place that only the daemon reads") {
  config(
      "[secrets.TOKEN]\nhosts = [\"a.org\"]\nenv = \"MINE\"\n[secrets.FILE]\nfile = \"/f\"\n[secrets.COMMAND]\n"
      "command = \"c\"\n");
  CHECK(refused({"vm", "create", "--secret", "TOKEN"}).find("the variable MINE is not set") != std::string::npos);
  home.variables["MINE"] = "hush, too";
  CHECK(home.run({"vm", "create", "--secret", "TOKEN", "--secret", "FILE@b.org", "--secret", "COMMAND"}).status == 0);
  CHECK(sent("vm.create").at("secrets") == Json::array({"TOKEN", "FILE@b.org", "COMMAND"}));
  CHECK(sent("vm.create").at("secret_values") == Json{{"TOKEN", "hush, too"}});
  CHECK(home.run({"vm", "set", "web", "--secret", "FILE"}).status == 0);
  CHECK_FALSE(sent("vm.set").contains("secret_values"));
}

TEST_CASE_METHOD(Fixture, "vm show: the secrets with their hosts, and how to give a value that is missing") {
  auto object = test::vm_object("web");
  object["secrets"] = {{{"name", "TOKEN"}, {"hosts", {"a.org", "b.org"}}, {"available", true}},
                       {{"name", "OTHER"}, {"hosts", {"c.org", "d.org:8443"}}, {"available", false}}};
  daemon.answers["vm.show"] = [object](const Json&) -> Result<Json> { return object; };
  auto shown = home.run({"vm", "show", "web"}).out;
  CHECK(shown.find(" TOKEN for a.org, b.org\n") != std::string::npos);
  CHECK(shown.find(" OTHER for c.org, d.org:8443 (value missing: banger vm set web --secret "
                   "OTHER@c.org,d.org:8443)\n") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "--secret: names of the config are offered") {
  config("[secrets.TOKEN]\nhosts = [\"a.org\"]\n[secrets.TWO]\nfile = \"/f\"\n[secrets.OTHER]\nfile = \"/f\"\n");
  CHECK(home.run({"__complete", "--", "vm", "create", "--secret", "T"}).out == "TOKEN\nTWO\n");
  CHECK(home.run({"__complete", "--", "vm", "set", "web", "--secret=O"}).out == "--secret=OTHER\n");
}

TEST_CASE("--secret: a daemon that the command starts does not inherit the value") {
  test::Home home;
  home.variables["TOKEN"] = "hush";
  home.daemon_command = {"/bin/sh", "-c", "env >\"$HOME/environment\"; exit 1"};
  CHECK(home.run({"vm", "create", "--secret", "TOKEN@a.org", "--allow", "a.org"}).status == 125);
  auto environment = host::read_file(home.path() + "/environment", 1 << 20);
  REQUIRE(environment);
  CHECK(environment->find("HOME=") != std::string::npos);
  CHECK(environment->find("hush") == std::string::npos);
}
