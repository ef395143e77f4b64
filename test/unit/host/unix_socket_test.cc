// Sockets at any path, closed to others from the first instant.
#include "host/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {
struct Umask {
  explicit Umask(mode_t mask) : old(::umask(mask)) {}
  ~Umask() { ::umask(old); }
  mode_t old;
};
}  // namespace

TEST_CASE("unix socket: connects at paths of every length around the limit of sun_path") {
  test::TempDir dir;
  std::string deep = dir.path();
  for (int i = 0; i < 20; ++i) deep += "/" + std::string(50, 'd');
  std::filesystem::create_directories(deep);
  std::vector<std::string> paths{deep + "/s"};
  for (std::size_t length = 100; length <= 115; ++length)
    paths.push_back(dir.path() + "/" + std::string(length - dir.path().size() - 1, 's'));
  for (const auto& path : paths) {
    INFO(path.size());
    bool name_fits = std::filesystem::path(path).filename().string().size() <= 85;
    auto listener = listen_unix(path);
    if (!listener) {
      CHECK_FALSE(name_fits);
      CHECK(listener.error().code == ErrorCode::invalid);
      continue;
    }
    auto client = connect_unix(path);
    REQUIRE(client);
    UniqueFd server(::accept(listener->get(), nullptr, nullptr));
    auto peer = peer_of(server.get());
    REQUIRE(peer);
    CHECK(peer->pid == ::getpid());
    CHECK(peer->uid == ::geteuid());
    CHECK(peer->gid == ::getegid());
  }
}

TEST_CASE("unix socket: no other user can connect, not even while it is made") {
  test::TempDir dir;
  Umask open(0);
  std::string path = dir / "s";
  std::atomic<bool> stop = false;
  std::atomic<int> looser = 0, seen = 0;
  std::thread watcher([&] {
    while (!stop) {
      struct stat info{};
      if (::stat(path.c_str(), &info) < 0) continue;
      ++seen;
      if ((info.st_mode & 0777) != 0600) ++looser;
    }
  });
  for (int i = 0; i < 3000 || (seen == 0 && i < 1'000'000); ++i) {
    auto listener = listen_unix(path);
    REQUIRE(listener);
    ::unlink(path.c_str());
  }
  stop = true;
  watcher.join();
  CHECK(seen > 0);
  CHECK(looser == 0);
}

TEST_CASE("unix socket: missing, stale, taken and impossible paths are different errors") {
  test::TempDir dir;
  CHECK(connect_unix(dir / "none").error().code == ErrorCode::not_found);
  CHECK(connect_unix(dir / "no/dir").error().code == ErrorCode::not_found);
  (void)listen_unix(dir / "stale");
  CHECK(connect_unix(dir / "stale").error().code == ErrorCode::unavailable);
  CHECK(listen_unix(dir / "stale").error().code == ErrorCode::exists);
  dir.put("file", "");
  CHECK(connect_unix(dir / "file").error().code == ErrorCode::unavailable);
  CHECK(listen_unix("/no/such/dir/s").error().code == ErrorCode::not_found);
  CHECK(listen_unix("/no/such/" + std::string(200, 'd') + "/s").error().code == ErrorCode::not_found);
  CHECK(peer_of(0).has_value() == false);
}
