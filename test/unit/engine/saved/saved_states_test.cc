// Saved states on a real file system and store: when a saved state is usable, and when it is removed.
#include "engine/saved/saved_states.h"

#include <sys/stat.h>

#include <asio/io_context.hpp>
#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture {
  Fixture() {
    paths.state = directory.path();
    REQUIRE(host::make_private_directory(paths.saves()));
    reopen();
  }
  void reopen() {
    saves.reset();
    store.reset();
    store = std::move(*store::Store::open(paths.database()));
    saves = std::make_unique<SavedStates>(runtime, log, paths, *store);
    REQUIRE(saves->load());
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    runtime.spawn(wait(std::move(task), value));
    settle();
    return std::move(*value);
  }
  // Runs until no work is left, including spawned coroutines.
  void settle() {
    runtime.io().restart();
    runtime.run();
  }
  template <class T>
  static Task<> wait(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  store::SaveRow made(store::SaveKind kind) {
    store::SaveRow row;
    row.kind = kind;
    row.key = "key";
    row.spec = "{}";
    row.machine = "qemu";
    row.build_key = "build";
    auto begun = saves->begin(row);
    REQUIRE(begun);
    REQUIRE(host::write_file(saves->new_state(*begun).memory, "memory"));
    REQUIRE(host::write_file(saves->new_state(*begun).devices, "devices"));
    auto done = run(saves->finish(begun->id, Durable::yes));
    REQUIRE(done);
    return *done;
  }
  bool there(const std::string& id) const { return std::filesystem::exists(saves->directory(id)); }

  test::TempDir directory;
  host::Paths paths;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<SavedStates> saves;
};

}  // namespace

TEST_CASE("saved states: only the build that made a finished state can use it") {
  Fixture fixture;
  auto row = fixture.made(store::SaveKind::template_);
  CHECK(fixture.saves->check(row, "build"));
  CHECK(fixture.saves->check(row, "another").error().code == ErrorCode::unsupported);
  struct stat directory{};
  REQUIRE(::stat(fixture.saves->directory(row.id).c_str(), &directory) == 0);
  CHECK((directory.st_mode & 0777) == 0700);
  fixture.reopen();
  CHECK(fixture.saves->check(*fixture.saves->get(row.id), "build"));
  REQUIRE(host::write_file(fixture.saves->new_state(row).memory, "Memory"));
  CHECK(fixture.saves->check(row, "build").error().code == ErrorCode::corrupt);
  REQUIRE(host::remove_file(fixture.saves->new_state(row).memory));
  CHECK(!fixture.saves->check(row, "build"));
}

TEST_CASE("saved states: a file shared with a kernel does not count for the size") {
  Fixture fixture;
  auto row = fixture.made(store::SaveKind::snapshot);
  auto size = fixture.saves->disk_usage(row.id);
  CHECK(size > 0);
  auto kernels = fixture.paths.state + "/modules.ext4";
  REQUIRE(host::write_file(kernels, std::string(1 << 20, 'm')));
  REQUIRE(host::share_file(kernels, fixture.saves->disk(row.id, "modules.img")));
  CHECK(fixture.saves->disk_usage(row.id) == size);
  REQUIRE(host::remove_file(kernels));
  CHECK(fixture.saves->disk_usage(row.id) >= size + (1 << 20));
}

TEST_CASE("saved states: unfinished states are gone after a restart") {
  Fixture fixture;
  auto begun = fixture.saves->begin({.kind = store::SaveKind::snapshot, .spec = "{}"});
  REQUIRE(begun);
  CHECK(fixture.saves->check(*begun, "").error().code == ErrorCode::busy);
  REQUIRE(fixture.there(begun->id));
  fixture.reopen();
  CHECK(!fixture.there(begun->id));
  CHECK(!fixture.saves->get(begun->id));
}

TEST_CASE("saved states: a state without a purpose of its own is removed after its last user") {
  Fixture fixture;
  auto fork = fixture.made(store::SaveKind::fork), snapshot = fixture.made(store::SaveKind::snapshot),
       kept = fixture.made(store::SaveKind::template_);
  for (const auto& id : {fork.id, snapshot.id, kept.id}) {
    fixture.saves->use(id);
    fixture.saves->use(id);
    fixture.saves->release(id);
  }
  fixture.settle();
  CHECK(fixture.there(fork.id));
  for (const auto& id : {fork.id, snapshot.id, kept.id}) fixture.saves->release(id);
  fixture.settle();
  CHECK(!fixture.there(fork.id));
  CHECK(fixture.there(snapshot.id));
  CHECK(fixture.there(kept.id));
}

TEST_CASE("saved states: a retired template is removed after its last user, even after a restart") {
  Fixture fixture;
  auto used = fixture.made(store::SaveKind::template_), unused = fixture.made(store::SaveKind::template_);
  fixture.saves->use(used.id);
  REQUIRE(fixture.saves->retire(used.id));
  REQUIRE(fixture.saves->retire(unused.id));
  fixture.settle();
  CHECK(fixture.there(used.id));
  CHECK(!fixture.there(unused.id));
  fixture.reopen();
  fixture.saves->sweep([](const store::SaveRow&) { return true; });
  fixture.settle();
  CHECK(!fixture.there(used.id));
}

TEST_CASE("saved states: a machine waits for an unfinished state, and the finished state is checked") {
  Fixture fixture;
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  row.spec = "{}";
  row.machine = "qemu";
  row.build_key = "build";
  auto begun = fixture.saves->begin(row);
  REQUIRE(begun);
  auto early = fixture.saves->state(*begun, "build"), other = fixture.saves->state(*begun, "another build");
  REQUIRE(early);
  REQUIRE(other);
  REQUIRE(early->whole);
  CHECK(!early->changes.empty());
  std::optional<Result<>> whole, refused;
  fixture.runtime.spawn(Fixture::wait(early->whole(), whole));
  fixture.runtime.spawn(Fixture::wait(other->whole(), refused));
  fixture.runtime.io().restart();
  fixture.runtime.io().poll();
  CHECK(!whole);
  auto done = fixture.run(fixture.saves->finish(begun->id, Durable::no));
  REQUIRE(done);
  REQUIRE(whole);
  CHECK(*whole);
  REQUIRE(refused);
  CHECK(refused->error().code == ErrorCode::unsupported);
  auto late = fixture.saves->state(*done, "build");
  REQUIRE(late);
  CHECK(!late->whole);
  CHECK(late->changes.empty());  // the file does not exist
}

TEST_CASE("saved states: a failed save is an error for its waiters") {
  Fixture fixture;
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  row.spec = "{}";
  auto begun = fixture.saves->begin(row);
  REQUIRE(begun);
  std::optional<Result<>> waited;
  fixture.runtime.spawn(Fixture::wait(fixture.saves->wait_finished(begun->id), waited));
  REQUIRE(fixture.run(fixture.saves->drop(begun->id)));
  REQUIRE(waited);
  CHECK(waited->error().code == ErrorCode::unavailable);
}

TEST_CASE("saved states: only forks may share their parent's memory file") {
  Fixture fixture;
  for (auto [kind, text] : store::kSaveKindWords) {
    store::SaveRow row;
    row.id = "x";
    row.kind = kind;
    CHECK(fixture.saves->new_state(row).changes.empty() == (row.kind != store::SaveKind::fork));
  }
}

TEST_CASE("saved states: a directory that gets a file while it is being removed is removed all the same") {
  Fixture f;
  int attempts = 0;
  f.saves =
      std::make_unique<SavedStates>(f.runtime, f.log, f.paths, *f.store, [&](const std::string& path) -> Result<> {
        if (++attempts < 3) return fail_errno(path, ENOTEMPTY);
        return host::remove_tree(path);
      });
  auto row = f.made(store::SaveKind::fork);
  REQUIRE(f.run(f.saves->drop(row.id)));
  CHECK(attempts == 3);
  CHECK_FALSE(f.there(row.id));
  CHECK(f.store->saves()->empty());
}

TEST_CASE("saved states: a directory that cannot be removed is an error, and its record stays for the next daemon") {
  Fixture f;
  auto broken = [](const std::string& path) -> Result<> { return fail_errno(path, EIO); };
  f.saves = std::make_unique<SavedStates>(f.runtime, f.log, f.paths, *f.store, broken);
  auto row = f.made(store::SaveKind::fork);
  CHECK_FALSE(f.run(f.saves->drop(row.id)));
  CHECK(f.there(row.id));
  f.reopen();
  CHECK_FALSE(f.there(row.id));
}
