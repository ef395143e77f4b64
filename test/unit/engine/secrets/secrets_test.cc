// Where the value of a secret comes from, and what is known of it.
#include "engine/secrets/secrets.h"

#include <sys/stat.h>

#include "catch.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

using Effort = Secrets::Effort;

struct Fixture {
  Fixture() {
    paths.home = directory.path();
    paths.state = directory / "state";
    directory.put("token", "of the file\n");
    REQUIRE(::chmod((directory / "token").c_str(), 0600) == 0);
    config.secrets["FILE"].file = "~/token";
    config.secrets["COMMAND"].command = "echo run >> runs; echo of the command";
    config.secrets["BROKEN"].file = "~/missing";
    config.secrets["CLIENT"].env = "OTHER";
  }
  static SecretValues::Map given(const char* name, const char* value) {
    SecretValues::Map map;
    map.emplace(name, SecretText(value));
    return map;
  }
  std::string check(const char* name, SecretValues::Map values = {}, const std::string& vm = "") {
    auto checked = test::run(runtime, secrets.check({{.name = name, .hosts = {"a.org"}}}, std::move(values), vm));
    return checked ? "" : checked.error().message;
  }
  std::string gather(const char* name, Effort effort = Effort::fresh) {
    auto all = test::run(runtime, secrets.gather("vm", {{.name = name, .hosts = {"a.org"}}}, effort));
    REQUIRE(all.size() == 1);
    return all[0].value ? std::string(all[0].value->view()) : "-";
  }
  std::size_t runs() { return directory.get("runs").size() / 4; }

  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1};
  host::Paths paths;
  config::Config config;
  Secrets secrets{runtime, log, paths, config};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "secrets: a secret needs a value of the client, a file or a command") {
  CHECK(check("FILE").empty());
  CHECK(check("COMMAND").empty());
  CHECK(check("CLIENT", given("CLIENT", "x")).empty());
  CHECK(check("CLIENT") == "the secret 'CLIENT' has no value");
  CHECK(check("OTHER") == "the secret 'OTHER' has no value");
  CHECK(check("BROKEN").starts_with("[secrets.BROKEN]: "));
  CHECK(check("BROKEN", given("BROKEN", "x")).empty());
  // A VM that has a value keeps it.
  secrets.values().add("vm", given("CLIENT", "x"));
  CHECK(check("CLIENT", {}, "vm").empty());
  CHECK(check("CLIENT", {}, "other") == "the secret 'CLIENT' has no value");
}

TEST_CASE_METHOD(Fixture, "secrets: what a client gave wins, and a file is read each time") {
  CHECK(gather("FILE") == "of the file");
  directory.put("token", "changed");
  CHECK(gather("FILE", Effort::at_hand) == "changed");
  secrets.values().add("vm", given("FILE", "of the client"));
  CHECK(gather("FILE") == "of the client");
  CHECK(gather("CLIENT") == "-");
  CHECK(gather("BROKEN") == "-");
}

TEST_CASE_METHOD(Fixture, "secrets: a command runs once for VMs that start together, and never for one in a hurry") {
  CHECK(gather("COMMAND", Effort::at_hand) == "-");
  CHECK(runs() == 0);
  CHECK(gather("COMMAND") == "of the command");
  CHECK(gather("COMMAND") == "of the command");
  CHECK(gather("COMMAND", Effort::at_hand) == "of the command");
  CHECK(runs() == 1);
  // Whoever gives the secret to a VM expects the present output.
  CHECK(check("COMMAND").empty());
  CHECK(runs() == 2);
  CHECK(secrets.needs_command({{.name = "COMMAND", .hosts = {}}}));
  CHECK_FALSE(secrets.needs_command({{.name = "FILE", .hosts = {}}, {.name = "X", .hosts = {}}}));
}

TEST_CASE_METHOD(Fixture, "secrets: whether a value is there is the gate's word, and before it a guess") {
  CHECK(secrets.is_available("vm", "FILE"));
  CHECK_FALSE(secrets.is_available("vm", "CLIENT"));
  secrets.note_missing("vm", {"FILE"});
  CHECK_FALSE(secrets.is_available("vm", "FILE"));
  CHECK(secrets.is_available("vm", "CLIENT"));
  secrets.forget_missing("vm");
  CHECK(secrets.is_available("vm", "FILE"));
  secrets.values().add("vm", given("CLIENT", "x"));
  CHECK(secrets.is_available("vm", "CLIENT"));
  secrets.forget("vm");
  CHECK_FALSE(secrets.is_available("vm", "CLIENT"));
}

TEST_CASE("secrets: the sentence for a missing value has the command that gives it") {
  CHECK(missing_sentence("web", {.name = "T", .hosts = {"a.org", "b.org"}}) ==
        "the secret 'T' has no value, so requests with it fail (hint: banger vm set web --secret T@a.org,b.org)");
}
