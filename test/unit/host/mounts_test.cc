// Mounts in the namespace of a child: what the child sees, with which rights, and that this process sees nothing.
#include "host/mounts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>

#include "catch.h"
#include "host/child.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

Result<> build(const std::string& place) {
  auto file = TRY(open_file(place + "/disk", O_PATH));
  auto top = TRY(open_file(place + "/top", O_PATH | O_DIRECTORY));
  auto read = TRY(mount_of(file, MountUse::read)), write = TRY(mount_of(file, MountUse::write)),
       root = TRY(mount_of(top, MountUse::root));
  // From here on the name leads to another file than the mounted one.
  if (::rename((place + "/disk").c_str(), (place + "/moved").c_str()) < 0) return fail_errno("rename");
  TRY(write_file(place + "/disk", "swapped"));
  TRY(unshare_mounts());
  TRY(mount_in_memory(place + "/memory"));
  TRY(make_directories(place + "/memory/root"));
  TRY(attach_mount(root, TRY(open_file(place + "/memory/root", O_PATH))));
  TRY(attach_mount(read, TRY(open_file(place + "/memory/root/a", O_PATH))));
  TRY(attach_mount(write, TRY(open_file(place + "/memory/root/b", O_PATH))));
  if (TRY(read_file(place + "/memory/root/a", 100)) != "disk") return fail(ErrorCode::internal, "another file");
  if (open_file(place + "/memory/root/a", O_WRONLY)) return fail(ErrorCode::internal, "it can be written");
  auto open = TRY(open_file(place + "/memory/root/b", O_WRONLY));
  return write_all(open.get(), "DISK");
}

}  // namespace

TEST_CASE("mounts: the held file is mounted with its rights, and is invisible here") {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED: mounts: what was held is mounted, as it may be used, and here nothing is seen of it: "
                 "mounting needs root\n";
    return;
  }
  test::TempDir directory;
  const std::string& place = directory.path();
  for (auto name : {"/memory", "/top"}) REQUIRE(make_directories(place + name));
  for (auto file : {"/top/a", "/top/b"}) REQUIRE(write_file(place + file, ""));
  REQUIRE(write_file(place + "/disk", "disk"));
  auto kept = open_file(place + "/disk", O_RDONLY);
  REQUIRE(kept);
  auto child = fork_to([&] {
    auto built = build(place);
    if (!built) (void)write_file(place + "/why", built.error().sentence());
    return built ? 0 : 1;
  });
  REQUIRE(child);
  auto status = child->wait();
  INFO(read_file(place + "/why", 1000).value_or(""));
  CHECK(status.shell_code() == 0);
  CHECK(read_all(kept->get(), "disk", 100) == "DISK");
  CHECK(read_file(place + "/disk", 100) == "swapped");
  CHECK(read_file(place + "/top/a", 100) == "");
  CHECK(::access((place + "/memory/root").c_str(), F_OK) < 0);
}
