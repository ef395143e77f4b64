#include "capabilities/ssh/owner_key.h"

#include <sys/stat.h>

#include <set>
#include <thread>
#include <vector>

#include "catch.h"
#include "host/ssh_key.h"
#include "host/ssh_public_key.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture {
  test::TempDir home;
  host::Paths paths{.home = home.path(), .config_file = {}, .state = home / "state/banger", .data = {}, .cache = {}};
  config::Config config;

  Result<OwnerKey> key() const { return owner_key(paths, config); }
  mode_t mode(const std::string& name) const {
    struct stat info{};
    return ::stat((home / name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
};

constexpr const char* kOwn = "state/banger/ssh/id_ed25519";

}  // namespace

TEST_CASE_METHOD(Fixture, "owner key: banger makes one key, private from the start, and keeps it") {
  auto first = key();
  REQUIRE(first);
  CHECK(first->private_path == home / kOwn);
  CHECK_THAT(first->public_key, Catch::StartsWith("ssh-ed25519 AAAA"));
  CHECK(mode(kOwn) == 0600);
  CHECK(mode("state/banger/ssh") == 0700);
  CHECK(mode("state/banger") == 0700);
  CHECK(home.get(std::string(kOwn) + ".pub") == first->public_key + " banger\n");
  auto bytes = home.get(kOwn);
  CHECK(key()->public_key == first->public_key);
  CHECK(home.get(kOwn) == bytes);
}

TEST_CASE_METHOD(Fixture, "owner key: first uses at the same time end with one key and no other file") {
  std::vector<std::string> found(8);
  std::vector<std::thread> threads;
  for (auto& each : found) threads.emplace_back([&] { each = key().value().public_key; });
  for (auto& thread : threads) thread.join();
  CHECK(std::set<std::string>(found.begin(), found.end()).size() == 1);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(home / "state/banger/ssh"))
    files += entry.path().extension() == ".new";
  CHECK(files == 0);
}

TEST_CASE_METHOD(Fixture, "owner key: a broken key of banger is never written over") {
  home.put(kOwn, "half a key");
  auto refused = key();
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Catch::StartsWith("banger's SSH key: " + home / kOwn));
  CHECK(refused.error().hint == "move it away; banger then makes another key");
  CHECK(home.get(kOwn) == "half a key");
}

TEST_CASE_METHOD(Fixture, "owner key: the config's key is only read, with its half beside it or without") {
  auto made = host::make_ssh_key("ann").value();
  auto half = host::read_public_key(made.public_key).value();
  home.put(".ssh/mine", made.private_key);
  config.ssh_key_path = "~/.ssh/mine";
  CHECK(key()->private_path == home / ".ssh/mine");
  CHECK(key()->public_key == half);
  auto other = host::make_ssh_key("other").value();
  home.put(".ssh/mine.pub", other.public_key);
  config.ssh_key_path = home / ".ssh/mine";
  CHECK(key()->public_key == host::read_public_key(other.public_key).value());
  // The private half may be on a token.
  std::filesystem::remove(home / ".ssh/mine");
  CHECK(key()->public_key == host::read_public_key(other.public_key).value());
  CHECK_FALSE(std::filesystem::exists(home / "state"));
  CHECK(std::distance(std::filesystem::directory_iterator(home / ".ssh"), {}) == 1);
}

TEST_CASE_METHOD(Fixture, "owner key: a key that cannot be used is an error with a way out, and stays as it is") {
  config.ssh_key_path = "~/none";
  auto missing = key();
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().hint == "correct ssh_key_path in the config, or remove it");
  home.put("it's", "-----BEGIN RSA PRIVATE KEY-----\n");
  config.ssh_key_path = "~/it's";
  auto old = key();
  REQUIRE_FALSE(old);
  CHECK_THAT(old.error().hint, Catch::StartsWith("ssh-keygen -y -f '/") && Catch::EndsWith(".pub"));
  home.put("none.pub", "nonsense");
  config.ssh_key_path = "~/none";
  CHECK_THAT(key().error().message, Catch::Contains("none.pub: the file is no public key of SSH"));
  std::filesystem::create_directories(home / "directory");
  config.ssh_key_path = home / "directory";
  CHECK_FALSE(key());
  CHECK_FALSE(std::filesystem::exists(home / "state"));
}
