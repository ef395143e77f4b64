#include "host/open_name.h"

#include <fcntl.h>

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;

TEST_CASE("open name: a file that was renamed, replaced or removed is not at its path") {
  test::TempDir dir;
  dir.put("file", "x");
  auto file = host::open_file(dir / "file", O_RDONLY);
  REQUIRE(file);
  CHECK(host::is_at(file->get(), dir / "file"));
  std::filesystem::rename(dir / "file", dir / "other");
  CHECK_FALSE(host::is_at(file->get(), dir / "file"));
  CHECK(host::is_at(file->get(), dir / "other"));
  dir.put("file", "x");
  CHECK_FALSE(host::is_at(file->get(), dir / "file"));
  std::filesystem::remove(dir / "other");
  CHECK_FALSE(host::is_at(file->get(), dir / "other"));
}
