// Which guests get the files of [[file_sync]], and what a start says about them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "engine/vm/starting.h"

using namespace banger;
using namespace banger::engine;
using banger::test::Fixture;

namespace {

struct Syncing : Fixture {
  Syncing() {
    directory.put("settings", "mine");
    config.file_sync = {{.host = "~/settings", .guest = "settings", .mode = {}}};
  }
  std::vector<std::string> warnings;
  Stages listening{[this](std::string_view stage, std::string_view text, int) {
    if (stage == "warning") warnings.emplace_back(text);
  }};

  std::size_t uploads(const VmOwner& vm) const { return host.of(vm.record().id())->guest->uploads.size(); }
  Result<> start_listening(VmOwner& vm) {
    host::Cancel never(daemon->runtime);
    return run(vm.start(listening, never, WaitFor::agent));
  }
};

bool has_stage(const Fixture& f, std::string_view name) { return f.row()->stages.contains(name); }

}  // namespace

TEST_CASE("file sync: a guest that boots gets the files before its VM is running") {
  Syncing f;
  auto vm = f.stopped();
  f.log.heal();
  REQUIRE(f.start_listening(*vm));
  REQUIRE(f.uploads(*vm) == 1);
  CHECK(f.host.of(vm->record().id())->guest->uploads[0].contains("mine"));
  CHECK(f.log.in_order("agent /files", "store vm running"));
  CHECK(has_stage(f, "files"));
  CHECK(f.warnings.empty());
}

TEST_CASE("file sync: without entries, a start has no request and no stage for them") {
  Fixture f;
  auto vm = f.running();
  CHECK(std::ranges::count(f.log.steps(), "agent /files") == 0);
  CHECK_FALSE(has_stage(f, "files"));
}

TEST_CASE("file sync: a guest that goes on keeps its files") {
  Syncing f;
  auto vm = f.suspended();
  f.log.heal();
  REQUIRE(f.start(*vm));
  CHECK(std::ranges::count(f.log.steps(), "agent /files") == 0);
}

TEST_CASE("file sync: a machine of the ready pool has no files before a user takes it") {
  Syncing f;
  auto vm = f.pooled();
  CHECK(f.uploads(*vm) == 0);
  REQUIRE(f.run(vm->claim({.name = "mine", .spec = vm->record().spec()}, f.listening)));
  CHECK(f.uploads(*vm) == 1);
}

TEST_CASE("file sync: a guest that becomes a template gets no files") {
  Syncing f;
  auto row = f.new_row(".template");
  row.purpose = store::Purpose::template_build;
  auto vm = f.record(std::move(row));
  host::Cancel never(f.daemon->runtime);
  REQUIRE(f.run(vm->make(f.stages, never)));
  REQUIRE(f.start(*vm));
  CHECK(f.uploads(*vm) == 0);
}

TEST_CASE("file sync: what cannot travel is a warning of the start, and the VM runs") {
  Syncing f;
  f.config.file_sync.push_back({.host = "~/gone", .guest = "gone", .mode = {}});
  auto vm = f.stopped();
  REQUIRE(f.start_listening(*vm));
  CHECK(vm->state() == vm::State::running);
  CHECK(f.warnings == std::vector<std::string>{f.directory / "gone is skipped: there is no such file or directory"});
  CHECK(f.uploads(*vm) == 1);
}

TEST_CASE("git identity: a guest gets the name and the address of the owner's git, and nothing else") {
  Syncing f;
  f.config.file_sync.clear();
  f.config.guest_git_identity = true;
  f.directory.put("more", "[user]\n email = ada@example.org\n");
  f.directory.put(".gitconfig",
                  "[user]\n name = Ada \\\"Countess\\\" L\n[commit]\n gpgsign = true\n[include]\n path = more\n");
  auto vm = f.stopped();
  REQUIRE(f.start_listening(*vm));
  REQUIRE(f.uploads(*vm) == 1);
  const auto& upload = f.host.of(vm->record().id())->guest->uploads[0];
  CHECK(upload.contains(".config/git/config"));
  CHECK(upload.contains("name = Ada \\\"Countess\\\" L"));
  CHECK(upload.contains("email = ada@example.org"));
  CHECK_FALSE(upload.contains("gpgsign"));
  CHECK(f.warnings.empty());
  CHECK_FALSE(std::filesystem::exists(f.paths.vm(vm->record().id()) + "/git-identity"));
}

TEST_CASE("git identity: an owner without one is told so at each start, and the VM runs") {
  Syncing f;
  f.config.file_sync.clear();
  f.config.guest_git_identity = true;
  auto vm = f.stopped();
  REQUIRE(f.start_listening(*vm));
  CHECK(f.warnings ==
        std::vector<std::string>{"guest_git_identity has no effect: git on this host has no user.name and "
                                 "no user.email"});
  CHECK(f.uploads(*vm) == 0);
}

TEST_CASE("file sync: a request that fails leaves a VM that runs, and a warning") {
  Syncing f;
  auto vm = f.stopped();
  f.log.fail_on("agent /files");
  REQUIRE(f.start_listening(*vm));
  CHECK(vm->state() == vm::State::running);
  CHECK(f.warnings.size() == 1);
}
