#include "roles/agent/uploads.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "roles/agent/harness.h"
#include "support/fs_fixture.h"

using namespace banger;
using namespace banger::roles::agent;
using namespace banger::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kOwn = ".banger-cp-0011223344556677";  // of the user

std::size_t staged_below(const std::string& directory) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    count += entry.path().filename().string().starts_with(".banger-cp-") && entry.path().filename() != kOwn;
  return count;
}

std::size_t entries(const std::string& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), {}));
}

/// Feeds the first part of an archive to an upload in a process of its own, which is killed when it waits for the rest.
void killed_upload(const std::string& records, const std::string& directory, const std::string& tar,
                   const std::string& only) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[1]);
    (void)unpack_recorded(records, ends[0], directory, {.only = only});
    ::_exit(0);
  }
  ::close(ends[0]);
  REQUIRE(host::write_all(ends[1], tar));
  auto deadline = host::after(std::chrono::seconds(30));
  while (staged_below(directory) == 0 && host::Clock::now() < deadline) ::usleep(1000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[1]);
  REQUIRE(staged_below(directory) > 0);
  REQUIRE(entries(records) == 1);
}

std::string begun(const std::string& first, const std::string& file) {
  TarBytes tar;
  if (!first.empty()) tar.directory(first);
  tar.add({.name = file, .content = std::string(4'000'000, 'x')});
  return tar.done().substr(0, 1'500'000);
}

}  // namespace

TEST_CASE("uploads: what a killed agent left is removed, and nothing else") {
  TempDir dir;
  auto records = dir / "records";
  fs::create_directories(dir / "in/old/deep");
  spill(dir / ("in/old/deep/" + std::string(kOwn)), "a user's own");
  SECTION("a file at the top") { killed_upload(records, dir / "in", begun("", "f"), "f"); }
  SECTION("a new tree") { killed_upload(records, dir / "in", begun("new", "new/f"), "new"); }
  SECTION("a merge into an existing tree") { killed_upload(records, dir / "in", begun("old", "old/deep/f"), "old"); }
  SECTION("a merge into the directory itself") { killed_upload(records, dir / "in", begun("", "old/deep/f"), ""); }
  remove_abandoned_uploads(records);
  CHECK(slurp(dir / ("in/old/deep/" + std::string(kOwn))) == "a user's own");
  CHECK(staged_below(dir / "in") == 0);
  CHECK(entries(dir / "in") == 1);
  CHECK(fs::is_empty(records));
}

TEST_CASE("uploads: an upload leaves no record, and works without one") {
  TempDir dir;
  fs::create_directory(dir / "in");
  TarBytes tar;
  tar.file("f");
  auto good = as_fd(tar.done());
  CHECK(unpack_recorded(dir / "records", good.get(), dir / "in", {}).has_value());
  CHECK(fs::is_empty(dir / "records"));
  auto bad = as_fd("no archive");
  CHECK(!unpack_recorded(dir / "records", bad.get(), dir / "in", {}));
  CHECK(fs::is_empty(dir / "records"));
  spill(dir / "file", "");
  auto unrecorded = as_fd(tar.done());
  CHECK(unpack_recorded(dir / "file/records", unrecorded.get(), dir / "in", {}).has_value());
  CHECK(fs::exists(dir / "in/f"));
}

TEST_CASE("uploads: a sweep takes nothing from an upload that goes on, and drops empty records") {
  TempDir dir;
  fs::create_directory(dir / "in");
  auto held = host::Record::make(dir / "records");
  REQUIRE(held.has_value());
  auto staged = ".banger-cp-" + held->name();
  REQUIRE(held->write(dir / "in" + std::string(1, '\0') + "f", Durable::no));
  spill(dir / "in/" + staged, "half");
  spill(dir / "records/0123", "");
  remove_abandoned_uploads(dir / "records");
  CHECK(fs::exists(dir / "in/" + staged));
  CHECK(entries(dir / "records") == 1);
}

TEST_CASE("uploads: an agent cleans up when the guest has booted, and before the next upload") {
  TempDir guest;
  Agent agent;
  auto swept = [&] { return fs::is_empty(agent.context->run_dir.uploads_path()) && staged_below(guest.path()) == 0; };
  TarBytes tar;
  tar.file("whole");
  agent.run([&](Agent& a) -> Task<> {
    killed_upload(a.context->run_dir.uploads_path(), guest.path(), begun("", "f"), "f");
    auto early = co_await a.call("PUT", "/files?path=" + link::percent_encode(guest.path()), tar.done());
    CHECK(early.has_value());
    CHECK(!swept());
    a.runtime.spawn(clean_up_uploads(a.context));
    CHECK(a.context->run_dir.mark_system_ready());
    bool cleaned = co_await a.until(swept);
    CHECK(cleaned);
    killed_upload(a.context->run_dir.uploads_path(), guest.path(), begun("", "f"), "f");
    auto next = co_await a.call("PUT", "/files?path=" + link::percent_encode(guest.path()), tar.done());
    CHECK(next.has_value());
    CHECK(swept());
  });
}
