// The helper's command line and its listening sockets.
#include "roles/helper/options.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "catch.h"
#include "host/unix_socket.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::helper;
namespace fs = std::filesystem;

namespace {
Result<Options> parse(std::vector<std::string> words) {
  std::vector<char*> list;
  for (auto& word : words) list.push_back(word.data());
  return parse_options(list);
}

struct Place {
  test::TempDir directory;
  fs::path path = directory.path();
};
}  // namespace

TEST_CASE("helper options: two absolute paths, and nothing else") {
  CHECK(parse({})->socket == "/run/bangerd/helper.sock");
  CHECK(parse({})->install_file == "/etc/banger/install.toml");
  auto both = parse({"--socket", "/a", "--config", "/b"});
  REQUIRE(both);
  CHECK(both->socket == "/a");
  CHECK(both->install_file == "/b");
  for (const auto& words :
       {std::vector<std::string>{"--socket"}, {"--socket", "a"}, {"--other", "/a"}, {"/a"}, {"--config", ""}})
    CHECK(parse(words).error().code == ErrorCode::invalid);
}

TEST_CASE("helper options: no listener without systemd, and another kind of socket is refused") {
  auto env = [](std::string pid, std::string count) {
    return [=](const std::string& name) -> std::optional<std::string> { return name == "LISTEN_PID" ? pid : count; };
  };
  auto none = activated_listener([](const std::string&) -> std::optional<std::string> { return std::nullopt; });
  REQUIRE(none);
  CHECK_FALSE(*none);
  auto others = activated_listener(env("1", "1"));
  REQUIRE(others);
  CHECK_FALSE(*others);
  CHECK_FALSE(activated_listener(env(std::to_string(::getpid()), "2")));
}

TEST_CASE("helper options: its own socket belongs to the owner, in a directory of root") {
  if (::geteuid() != 0) {
    std::printf(
        "SKIPPED: helper options: its own socket is the owner's alone, in a directory of root's: it gives the socket "
        "away\n");
    return;
  }
  Place place;
  auto path = place.path / "run/helper.sock";
  {
    auto listener = own_listener(path, 65534);
    REQUIRE(listener);
    struct stat info{};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    CHECK(info.st_uid == 65534);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(own_listener(path, 65534).error().code == ErrorCode::exists);
  }
  CHECK(own_listener(path, 65534));  // the first helper has ended
  fs::create_directory(place.path / "loose");
  fs::permissions(place.path / "loose", fs::perms::all);
  CHECK(own_listener(place.path / "loose/helper.sock", 65534).error().code == ErrorCode::denied);
  fs::create_directory_symlink(place.path / "run", place.path / "link");
  CHECK(own_listener(place.path / "link/helper.sock", 65534).error().code == ErrorCode::denied);
}
