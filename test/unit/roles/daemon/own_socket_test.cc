// A daemon's socket that is removed, or replaced by another one.
#include "roles/daemon/own_socket.h"

#include <filesystem>

#include "catch.h"
#include "host/unix_socket.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::daemon;
namespace fs = std::filesystem;

TEST_CASE("own socket: notices removal and replacement, and does not remove another socket") {
  test::TempDir temporary;
  fs::path directory = temporary.path();
  std::string path = directory / "s";
  CHECK(OwnSocket::at(path).error().code == ErrorCode::not_found);

  auto listener = host::listen_unix(path);
  auto own = OwnSocket::at(path);
  REQUIRE(own);
  CHECK(own->in_place());
  fs::rename(path, directory / "old");  // so that the inode is not used again
  CHECK_FALSE(own->in_place());
  auto another = host::listen_unix(path);
  REQUIRE(another);
  CHECK_FALSE(own->in_place());
  own->remove();
  CHECK(fs::exists(path));

  auto theirs = OwnSocket::at(path);
  REQUIRE(theirs);
  theirs->remove();
  CHECK_FALSE(fs::exists(path));
  fs::remove_all(directory);
  CHECK_FALSE(own->in_place());
}
