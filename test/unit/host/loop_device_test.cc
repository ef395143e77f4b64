// Loop devices for real.
#include "host/loop_device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <iostream>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

bool cannot_run(const char* name) {
  if (::geteuid() == 0 && ::access("/dev/loop-control", F_OK) == 0) return false;
  std::cout << "SKIPPED: " << name << ": no loop devices for this user\n";
  return true;
}

std::string backing_file(dev_t device) {
  return host::read_file("/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) +
                             "/loop/backing_file",
                         4096)
      .value_or("");
}

}  // namespace

TEST_CASE("loop: a device is its file, and goes with its last descriptor") {
  if (cannot_run("loop: a device is its file, and goes with its last descriptor")) return;
  test::TempDir dir;
  REQUIRE(host::make_sparse_file(dir / "file", 1 << 20));
  auto file = host::open_file(dir / "file", O_RDWR);
  auto loop = host::attach_loop(*file);
  REQUIRE(loop);
  REQUIRE(::pwrite(loop->fd.get(), std::string(4096, 'x').data(), 4096, 8192) == 4096);
  REQUIRE(::fsync(loop->fd.get()) == 0);
  CHECK(host::read_file(dir / "file", 2 << 20)->substr(8190, 4) == std::string("\0\0xx", 4));
  CHECK(backing_file(loop->device).find("file") != std::string::npos);
  loop->fd.reset();
  CHECK(backing_file(loop->device).find(dir.path()) == std::string::npos);
}

TEST_CASE("loop: a file open for reading gives a read-only device, which others share") {
  if (cannot_run("loop: a file open for reading gives a read-only device, which others share")) return;
  test::TempDir dir;
  REQUIRE(host::make_sparse_file(dir / "file", 1 << 20));
  REQUIRE(host::make_sparse_file(dir / "other", 1 << 20));
  auto file = host::open_file(dir / "file", O_RDONLY);
  auto writable = host::open_file(dir / "file", O_RDWR);
  auto own = host::attach_loop(*writable);
  auto first = host::share_loop(*file), second = host::share_loop(*file);
  auto other = host::share_loop(*host::open_file(dir / "other", O_RDONLY));
  REQUIRE((own && first && second && other));
  CHECK(first->device == second->device);
  CHECK(first->device != own->device);
  CHECK(first->device != other->device);
  UniqueFd to_write(::open(("/dev/loop" + std::to_string(minor(first->device))).c_str(), O_RDWR | O_CLOEXEC));
  CHECK((!to_write || ::pwrite(to_write.get(), "x", 1, 0) < 0));
}
