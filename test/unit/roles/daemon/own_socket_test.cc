// A daemon's socket that goes away, or turns out to be another's.
#include "roles/daemon/own_socket.h"

#include <filesystem>

#include "catch.h"
#include "host/unix_socket.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::daemon;
namespace fs = std::filesystem;

TEST_CASE("own socket: removed, replaced or its directory gone, it is not in place; another's is left alone") {
  test::TempDir temporary;
  fs::path directory = temporary.path();
  std::string path = directory / "s";
  CHECK(OwnSocket::at(path).error().code == ErrorCode::not_found);

  auto listener = host::listen_unix(path);
  auto own = OwnSocket::at(path);
  REQUIRE(own);
  CHECK(own->in_place());
  fs::rename(path, directory / "old");  // keeps the inode from being used again
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
