// The directory of sessions: names, limits, and what is left of a session without a keeper.
#include "roles/agent/exec/sessions/sessions.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "roles/agent/bounds.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

struct Fixture {
  test::TempDir dir;
  Sessions sessions{dir / "sessions"};
  std::vector<Sessions::New> live;

  static link::SessionSpec spec(const std::string& name) {
    return {.name = name, .required = {}, .command = {.argv = {"true"}, .env = {{"SECRET", "s"}}}};
  }
  Sessions::New add(const std::string& name) {
    auto added = sessions.add(spec(name));
    REQUIRE(added.has_value());
    return std::move(*added);
  }
  void end(Sessions::New session) {
    session.record.state = SessionState::exited;
    REQUIRE(save_record(sessions.directory_of(session.record.id), session.record).has_value());
  }
};

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE_METHOD(Fixture, "sessions: files are their owner's alone, and variables leave the disk with the start") {
  auto session = add("one");
  auto directory = sessions.directory_of(session.record.id);
  CHECK(mode_of(dir / "sessions") == 0700);
  CHECK(mode_of(directory) == 0700);
  for (auto name : {"meta.json", "spec.json", "lock"}) CHECK(mode_of(directory + "/" + name) == 0600);
  auto taken = take_spec(directory);
  REQUIRE(taken.has_value());
  CHECK(taken->command.env.at("SECRET") == "s");
  CHECK_FALSE(std::filesystem::exists(directory + "/spec.json"));
}

TEST_CASE_METHOD(Fixture, "sessions: a name belongs to one live session, and is free after its end") {
  auto first = add("one");
  auto again = sessions.add(spec("one"));
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == ErrorCode::exists);
  auto first_id = first.record.id;
  end(std::move(first));
  auto second = add("one");
  CHECK(sessions.get("one")->id == second.record.id);
  CHECK(sessions.get(first_id)->state == SessionState::exited);
  CHECK(sessions.get("onne").error().hint == "did you mean 'one'?");
}

TEST_CASE_METHOD(Fixture, "sessions: without its keeper a session is lost, and says why") {
  {
    auto session = add("one");
  }
  auto found = sessions.get("one");
  REQUIRE(found.has_value());
  CHECK(found->state == SessionState::lost);
  CHECK(found->reason == "the guest ended before the session did");
  CHECK(sessions.remove(*found).has_value());
  CHECK(sessions.list().empty());
}

TEST_CASE_METHOD(Fixture, "sessions: a live one is not removed") {
  auto session = add("one");
  auto removed = sessions.remove(*sessions.get("one"));
  REQUIRE_FALSE(removed.has_value());
  CHECK(removed.error().code == ErrorCode::busy);
}

TEST_CASE_METHOD(Fixture, "sessions: there is a limit, and later ones have smaller logs") {
  for (std::size_t i = 0; i < limits::kSessions; ++i) live.push_back(add(fmt::format("s{}", i)));
  CHECK(live.front().record.log_bytes == limits::kSessionLogBytes);
  CHECK(live.back().record.log_bytes == limits::kSmallSessionLogBytes);
  auto one_more = sessions.add(spec("more"));
  REQUIRE_FALSE(one_more.has_value());
  CHECK(one_more.error().code == ErrorCode::exhausted);
  CHECK(one_more.error().message == "the VM has 256 live sessions, and may not have more");
  end(std::move(live.back()));
  live.pop_back();
  CHECK(sessions.add(spec("more")).has_value());
}

TEST_CASE_METHOD(Fixture, "sessions: only the latest ended ones are kept") {
  for (std::size_t i = 0; i < limits::kEndedSessions + 5; ++i) end(add(fmt::format("s{}", i)));
  auto last = add("last");
  CHECK(sessions.list().size() == limits::kEndedSessions + 1);
}

TEST_CASE_METHOD(Fixture, "sessions: a damaged record does not hide the others") {
  auto session = add("one");
  std::filesystem::create_directories(dir / "sessions/odd");
  REQUIRE(host::write_file(dir / "sessions/odd/meta.json", "{").has_value());
  CHECK(sessions.list().size() == 1);
}
