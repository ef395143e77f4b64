// Finding a VMM's program and asking it questions, with scripts in its place.
#include "machine/vmm_binary.h"

#include "support.h"

using namespace banger;
using namespace banger::machine;

namespace {

struct Fixture {
  std::string script(const std::string& name, const std::string& text, mode_t mode = 0755) {
    auto path = directory.path() + "/" + name;
    REQUIRE(host::write_file(path, "#!/bin/sh\n" + text + "\n", mode));
    return path;
  }
  Result<std::string> find(const std::string& configured) {
    return find_vmm_binary({.configured = configured,
                            .path_variable = directory.path(),
                            .name = "vmm",
                            .config_key = "vmm_bin",
                            .install_hint = "install it"});
  }
  TempDir directory;
};

}  // namespace

TEST_CASE("vmm binary: is looked up in PATH unless the config names it") {
  Fixture f;
  auto missing = f.find("");
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message == "vmm is not installed: not found in PATH");
  CHECK(missing.error().hint == "install it");
  auto path = f.script("vmm", "");
  CHECK(f.find("").value() == path);
  CHECK(f.find(path).value() == path);
}

TEST_CASE("vmm binary: a file that is not executable is an error with the config key") {
  Fixture f;
  auto path = f.script("other", "", 0644);
  CHECK(f.find(path).error().code == ErrorCode::denied);
  CHECK(f.find(path).error().hint == "check vmm_bin in the config");
}

TEST_CASE("vmm binary: an answer is its output, a refusal is none") {
  Fixture f;
  auto path = f.script("vmm", "[ \"$1\" = --version ] && echo 1.2.3");
  host::Runtime runtime;
  CHECK(run(runtime, ask_binary(runtime, {path, "--version"})).value() == "1.2.3\n");
  CHECK(!run(runtime, ask_binary(runtime, {path, "--other"})).value());
  CHECK(run(runtime, ask_binary(runtime, {"/nonexistent/vmm"})).error().code == ErrorCode::not_found);
}

TEST_CASE("vmm binary: a program that hangs ends with a daemon that is killed meanwhile") {
  Fixture f;
  auto path = f.script("vmm", "while :; do sleep 1; done");
  CHECK(dies_with_starter(path, [&] {
    host::Runtime runtime;
    (void)run(runtime, ask_binary(runtime, {path, "--version"}));
  }));
}
