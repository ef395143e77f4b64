#include "roles/agent/run_dir.h"

#include <sys/stat.h>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::TempDir;

TEST_CASE("run_dir: reads token and environment, whatever else the config holds") {
  TempDir dir;
  REQUIRE(
      host::write_file(dir / "config.json",
                       R"({"link_token":"00112233445566778899aabbccddeeff","environment":{"A":"1"},"hostname":"web",)"
                       R"("interfaces":[{"mac":"52:54:00:00:00:01","index":0}]})"));
  auto config = RunDir(dir.path()).load_config();
  REQUIRE(config);
  CHECK(config->link_token.size() == 16);
  CHECK(config->link_token[1] == '\x11');
  CHECK(config->environment == Environment{{"A", "1"}});
  REQUIRE(config->interfaces.size() == 1);
  CHECK(config->interfaces[0].mac == "52:54:00:00:00:01");
}

TEST_CASE("run_dir: a config without a usable token is refused by name") {
  TempDir dir;
  RunDir files(dir.path());
  CHECK(files.load_config().error().code == ErrorCode::not_found);
  for (const char* text : {"", "[]", "{}", R"({"link_token":"0011"})", R"({"link_token":"zz"})", R"({"link_token":7})",
                           R"({"link_token":"00112233445566778899aabbccddeeff","environment":{"A":1}})"}) {
    REQUIRE(host::write_file(dir / "config.json", text));
    auto config = files.load_config();
    REQUIRE(!config);
    CHECK(config.error().code == ErrorCode::invalid);
    CHECK(config.error().message.find("config.json") != std::string::npos);
  }
}

TEST_CASE("run_dir: a saved config reads back, is private, and replaces an older one") {
  TempDir dir;
  RunDir files(dir.path());
  guestcfg::Interface link{.mac = "52:54:00:00:00:01", .address = "10.0.2.15/24", .index = 1};
  REQUIRE(host::write_file(dir / "config.json", R"({"hostname":")" + std::string(500, 'a') + R"("})"));
  REQUIRE(files.save_config({.link_token = std::string(16, 'k'),
                             .environment = {{"A", "b c"}},
                             .interfaces = {link},
                             .keys = {{"root", {"ssh-ed25519 AAAA"}}},
                             .ssh_host_key = guestcfg::SshHostKey{.private_key = "private", .public_key = "public"}}));
  auto config = files.load_config();
  REQUIRE(config);
  CHECK(config->link_token == std::string(16, 'k'));
  CHECK(config->environment.at("A") == "b c");
  REQUIRE(config->interfaces.size() == 1);
  CHECK(config->interfaces[0] == link);
  CHECK(config->keys == std::vector<guestcfg::UserKeys>{{"root", {"ssh-ed25519 AAAA"}}});
  REQUIRE(config->ssh_host_key);
  CHECK(config->ssh_host_key->private_key == "private");
  std::filesystem::remove(dir / "config.json");
  REQUIRE(files.save_config({.link_token = std::string(16, 'k'), .environment = {}, .interfaces = {}}));
  struct stat info{};
  REQUIRE(::stat((dir / "config.json").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE("run_dir: knows the init and whether the system is ready") {
  TempDir dir;
  RunDir files(dir.path());
  CHECK(files.init_kind() == InitKind::none);
  for (const auto& word : guest::kInitKindWords) {
    REQUIRE(host::write_file(dir / "init", std::string(word.text) + "\n"));
    CHECK(files.init_kind() == word.value);
  }
  CHECK(!files.system_ready());
  REQUIRE(files.mark_system_ready());
  REQUIRE(files.mark_system_ready());
  CHECK(files.system_ready());
}
