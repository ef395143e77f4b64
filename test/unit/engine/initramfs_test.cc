// The agent's archive: its content, and that it is made once per kernel.
#include "engine/initramfs.h"

#include <filesystem>

#include "base/bounds.h"
#include "catch.h"
#include "engine/fixture.h"
#include "host/files.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  image::Kernel kernel() const { return *daemon->kernels.get("tiny"); }
  std::string archive(const image::Kernel& of) {
    auto path = run(daemon->initramfs.agent_archive(of));
    REQUIRE(path);
    return *path;
  }
};

}  // namespace

TEST_CASE("initramfs: the archive has the agent as init and the kernel's early modules in order") {
  Fixture f;
  auto kernel = f.kernel();
  for (const char* module : {"virtio.ko", "vsock.ko"}) {
    kernel.modules.push_back(f.directory / module);
    REQUIRE(host::write_file(kernel.modules.back(), std::string("code of ") + module));
  }
  auto content = host::read_file(f.archive(kernel), limits::kMiB);
  REQUIRE(content);
  for (const char* part : {"init", "the agent's program", "dev/console", "banger/modules/000-virtio.ko",
                           "code of virtio.ko", "banger/modules/001-vsock.ko", "code of vsock.ko"})
    CHECK(content->find(part) != std::string::npos);
}

TEST_CASE("initramfs: the archive is made once, and again when it is gone") {
  Fixture f;
  auto path = f.archive(f.kernel());
  auto made = std::filesystem::last_write_time(path);
  CHECK(f.archive(f.kernel()) == path);
  CHECK(std::filesystem::last_write_time(path) == made);
  std::filesystem::remove(path);
  CHECK(f.archive(f.kernel()) == path);
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("initramfs: another kernel, or one that was imported again, has another archive") {
  Fixture f;
  auto path = f.archive(f.kernel());
  auto other = f.kernel();
  other.sha256 = std::string(64, 'c');
  CHECK(f.archive(other) != path);
  auto anew = f.kernel();
  ++anew.created_at;
  CHECK(f.archive(anew) != path);
}

TEST_CASE("initramfs: the error names a missing module, and no unfinished file is left") {
  Fixture f;
  auto kernel = f.kernel();
  kernel.modules.push_back(f.directory / "gone.ko");
  auto path = f.run(f.daemon->initramfs.agent_archive(kernel));
  REQUIRE_FALSE(path);
  CHECK(path.error().message.find("gone.ko") != std::string::npos);
  CHECK(std::filesystem::is_empty(f.paths.cache + "/initramfs"));
}
