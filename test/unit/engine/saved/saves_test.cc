// Saved states on a real file system and store: what makes one usable, and who takes it along.
#include "engine/saved/saves.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <asio/io_context.hpp>
#include <filesystem>

#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Bench {
  Bench() {
    char name[] = "/tmp/banger-saves-XXXXXX";
    paths.state = ::mkdtemp(name);
    REQUIRE(host::make_private_directory(paths.saves()));
    reopen();
  }
  ~Bench() {
    store.reset();
    std::filesystem::remove_all(paths.state);
  }
  void reopen() {
    saves.reset();
    store.reset();
    store = std::move(*store::Store::open(paths.database()));
    saves = std::make_unique<Saves>(runtime, log, paths, *store);
    REQUIRE(saves->load());
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    runtime.spawn(wait(std::move(task), value));
    settle();
    return std::move(*value);
  }
  // Until nothing is left to do; what was spawned meanwhile is done then too.
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

  host::Paths paths;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Saves> saves;
};

}  // namespace

TEST_CASE("saves: one is usable as it was finished, by the build that made it, and by no other") {
  Bench bench;
  auto row = bench.made(store::SaveKind::template_);
  CHECK(bench.saves->check(row, "build"));
  CHECK(bench.saves->check(row, "another").error().code == ErrorCode::unsupported);
  struct stat directory{};
  REQUIRE(::stat(bench.saves->directory(row.id).c_str(), &directory) == 0);
  CHECK((directory.st_mode & 0777) == 0700);
  bench.reopen();
  CHECK(bench.saves->check(*bench.saves->get(row.id), "build"));
  REQUIRE(host::write_file(bench.saves->new_state(row).memory, "Memory"));
  CHECK(bench.saves->check(row, "build").error().code == ErrorCode::corrupt);
  REQUIRE(host::remove_file(bench.saves->new_state(row).memory));
  CHECK(!bench.saves->check(row, "build"));
}

TEST_CASE("saves: what a kernel shares with a saved state is no part of its size") {
  Bench bench;
  auto row = bench.made(store::SaveKind::snapshot);
  auto size = bench.saves->disk_usage(row.id);
  CHECK(size > 0);
  auto kernels = bench.paths.state + "/modules.ext4";
  REQUIRE(host::write_file(kernels, std::string(1 << 20, 'm')));
  REQUIRE(host::share_file(kernels, bench.saves->disk(row.id, "modules.img")));
  CHECK(bench.saves->disk_usage(row.id) == size);
  REQUIRE(host::remove_file(kernels));
  CHECK(bench.saves->disk_usage(row.id) >= size + (1 << 20));
}

TEST_CASE("saves: what was not finished is gone after a restart") {
  Bench bench;
  auto begun = bench.saves->begin({.kind = store::SaveKind::snapshot, .spec = "{}"});
  REQUIRE(begun);
  CHECK(bench.saves->check(*begun, "").error().code == ErrorCode::busy);
  REQUIRE(bench.there(begun->id));
  bench.reopen();
  CHECK(!bench.there(begun->id));
  CHECK(!bench.saves->get(begun->id));
}

TEST_CASE("saves: the last user takes along what has no other purpose, and nothing else") {
  Bench bench;
  auto fork = bench.made(store::SaveKind::fork), snapshot = bench.made(store::SaveKind::snapshot),
       kept = bench.made(store::SaveKind::template_);
  for (const auto& id : {fork.id, snapshot.id, kept.id}) {
    bench.saves->use(id);
    bench.saves->use(id);
    bench.saves->release(id);
  }
  bench.settle();
  CHECK(bench.there(fork.id));
  for (const auto& id : {fork.id, snapshot.id, kept.id}) bench.saves->release(id);
  bench.settle();
  CHECK(!bench.there(fork.id));
  CHECK(bench.there(snapshot.id));
  CHECK(bench.there(kept.id));
}

TEST_CASE("saves: a retired template goes with its last user, also after a restart") {
  Bench bench;
  auto used = bench.made(store::SaveKind::template_), unused = bench.made(store::SaveKind::template_);
  bench.saves->use(used.id);
  REQUIRE(bench.saves->retire(used.id));
  REQUIRE(bench.saves->retire(unused.id));
  bench.settle();
  CHECK(bench.there(used.id));
  CHECK(!bench.there(unused.id));
  bench.reopen();
  bench.saves->sweep();
  bench.settle();
  CHECK(!bench.there(used.id));
}

TEST_CASE("saves: one that is still being made is waited for, and checked when it is whole") {
  Bench bench;
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  row.spec = "{}";
  row.machine = "qemu";
  row.build_key = "build";
  auto begun = bench.saves->begin(row);
  REQUIRE(begun);
  auto early = bench.saves->state(*begun, "build"), other = bench.saves->state(*begun, "another build");
  REQUIRE(early);
  REQUIRE(other);
  REQUIRE(early->whole);
  CHECK(!early->changes.empty());
  std::optional<Result<>> whole, refused;
  bench.runtime.spawn(Bench::wait(early->whole(), whole));
  bench.runtime.spawn(Bench::wait(other->whole(), refused));
  bench.runtime.io().restart();
  bench.runtime.io().poll();
  CHECK(!whole);
  auto done = bench.run(bench.saves->finish(begun->id, Durable::no));
  REQUIRE(done);
  REQUIRE(whole);
  CHECK(*whole);
  REQUIRE(refused);
  CHECK(refused->error().code == ErrorCode::unsupported);
  auto late = bench.saves->state(*done, "build");
  REQUIRE(late);
  CHECK(!late->whole);
  CHECK(late->changes.empty());  // there is no such file
}

TEST_CASE("saves: who waits for one that comes to nothing is told") {
  Bench bench;
  store::SaveRow row;
  row.kind = store::SaveKind::fork;
  row.spec = "{}";
  auto begun = bench.saves->begin(row);
  REQUIRE(begun);
  std::optional<Result<>> told;
  bench.runtime.spawn(Bench::wait(bench.saves->wait_finished(begun->id), told));
  REQUIRE(bench.run(bench.saves->drop(begun->id)));
  REQUIRE(told);
  CHECK(told->error().code == ErrorCode::unavailable);
}

TEST_CASE("saves: only forks may share their parent's memory file") {
  Bench bench;
  for (auto [kind, text] : store::kSaveKindWords) {
    store::SaveRow row;
    row.id = "x";
    row.kind = kind;
    CHECK(bench.saves->new_state(row).changes.empty() == (row.kind != store::SaveKind::fork));
  }
}
