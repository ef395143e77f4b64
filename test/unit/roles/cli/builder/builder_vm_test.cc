#include "roles/cli/builder/builder_vm.h"

#include <signal.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "helpers.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

/// A daemon with a running builder, whose commands fail.
struct Fixture {
  test::Home home;
  test::FakeDaemon fake{home};
  Io io{.err = -1, .env = {}, .environment = {}, .daemon_command = {}};

  Fixture() {
    io.env = [this](const std::string& name) -> std::optional<std::string> {
      auto found = home.variables.find(name);
      return found == home.variables.end() ? std::nullopt : std::optional(found->second);
    };
    auto vm = test::vm_object(std::string(kBuilderVm));
    vm["agent_ready"] = true;
    fake.answers["vm.show"] = [vm](const Json&) -> Result<Json> { return vm; };
    fake.answers["vm.stop"] = [vm](const Json&) -> Result<Json> { return vm; };
  }
  /// Begins and ends a build.
  bool end() {
    auto daemon = Daemon::connect(io).value();
    auto vm = BuilderVm::open(io, daemon);
    if (!vm) FAIL(vm.error().sentence());
    return vm->end();
  }
};

}  // namespace

TEST_CASE("builder VM: the last build stops it") {
  Fixture f;
  CHECK_FALSE(f.end());
  CHECK(f.fake.called("vm.stop") == 1);
}

TEST_CASE("builder VM: a signal while it stops is told") {
  Fixture f;
  auto answer = f.fake.answers["vm.stop"];
  f.fake.answers["vm.stop"] = [answer, main = ::pthread_self()](const Json& params) {
    ::pthread_kill(main, SIGINT);
    return answer(params);
  };
  CHECK(f.end());
}

TEST_CASE("builder VM: a signal while its files are removed is told, and the VM stops nevertheless") {
  Fixture f;
  f.fake.answers["vm.exec"] = [main = ::pthread_self()](const Json&) -> Result<Json> {
    ::pthread_kill(main, SIGTERM);
    return Json::object();
  };
  CHECK(f.end());
  CHECK(f.fake.called("vm.stop") == 1);
}
