#include "workspace/divergence.h"

#include <filesystem>

#include "round.h"
#include "workspace/host_states.h"

using namespace banger;
using namespace banger::test;
using namespace banger::workspace;

namespace {

FileStates version(char letter) {
  return letter == '-' ? FileStates() : FileStates{{"f", {.hash = std::string(64, letter)}}};
}

std::string names(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& name : list) text += name + "\n";
  return text;
}

// A guest with the record of a prepare that has all files.
struct Apart : Round {
  Apart() {
    auto checkout = repo.checkout();
    auto start = *find_start(repo.source(), checkout, {});
    Manifest manifest{.base = checkout.head, .files = *states_of(start, checkout.top, "")};
    repo.dir.put("guest/.git/banger/prepared", manifest.text());
  }
  Divergence look() {
    auto comparison = compare();
    auto checkout = repo.checkout();
    auto git = repo.source();
    std::filesystem::create_directories(repo.dir / "private/more");
    auto found = find_divergence(comparison, {checkout, git, repo.env()}, repo.dir / "private/more");
    INFO((found ? "" : found.error().sentence()));
    REQUIRE(found.has_value());
    return *found;
  }
};

}  // namespace

TEST_CASE("divergence: each combination of what was prepared, what the guest has and what the host has") {
  auto changed = [](char prepared, char guest, char host) {
    auto found = changed_files(version(prepared), version(guest), version(host));
    return std::string(found.guest.size(), 'g') + std::string(found.host.size(), 'h') +
           std::string(found.both.size(), '!');
  };
  CHECK(changed('1', '1', '1').empty());
  CHECK(changed('1', '2', '1') == "g");
  CHECK(changed('1', '1', '2') == "h");
  CHECK(changed('1', '2', '2') == "gh");
  CHECK(changed('1', '2', '3') == "gh!");
  CHECK(changed('1', '-', '1') == "g");
  CHECK(changed('1', '-', '-') == "gh");
  CHECK(changed('1', '-', '2') == "gh!");
  CHECK(changed('-', '1', '-') == "g");
  CHECK(changed('-', '1', '2') == "gh!");
}

TEST_CASE("divergence: counts commits and names changed files on both sides, without ignored and untracked ones") {
  Apart apart;
  auto before = apart.look();
  CHECK(before.guest_commits == 0);
  CHECK(before.host_commits == 0);
  CHECK(names(before.files.guest) + names(before.files.host) == "");
  apart.guest(
      "echo g >'a b' && git commit -qam one && git checkout -q -b topic && echo g >empty && git commit -qam two");
  apart.guest("echo g >new && echo no >x.log && rm gone");
  apart.repo.put("a b", "h");
  apart.repo.commit("host");
  apart.repo.put("run", "h");
  apart.repo.put("untracked", "u");
  auto found = apart.look();
  CHECK(found.guest.branch == "topic");
  CHECK(found.guest_commits == 2);
  CHECK(found.host_commits == 1);
  CHECK(names(found.files.guest) == "a b\nempty\ngone\nnew\n");
  CHECK(names(found.files.host) == "a b\nrun\n");
  CHECK(names(found.files.both) == "a b\n");
}
