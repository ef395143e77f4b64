#include <fmt/format.h>
#include <sys/stat.h>

#include "catch.h"
#include "roles/agent/init/boot.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::agent::init;

namespace {

struct Image : test::TempDir {
  void program(const std::string& name) {
    put(name,
        "\x7f"
        "ELF");
    ::chmod((*this / name).c_str(), 0755);
  }
  void link(const std::string& target, const std::string& name) {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::filesystem::create_symlink(target, *this / name);
  }
  std::string found() {
    auto init = find_init(*guest::Root::open(path()));
    return fmt::format("{} {}", init.path, guest::to_string(init.kind));
  }
};

}  // namespace

TEST_CASE("image init: systemd behind usrmerge links, absolute and relative") {
  Image image;
  image.program("usr/lib/systemd/systemd");
  image.link("usr/lib", "lib");
  image.link("usr/sbin", "sbin");
  image.link("/lib/systemd/systemd", "usr/sbin/init");
  CHECK(image.found() == "/sbin/init systemd");
}

TEST_CASE("image init: systemd without the link that makes it init") {
  Image image;
  image.program("usr/lib/systemd/systemd");
  CHECK(image.found() == "/usr/lib/systemd/systemd systemd");
}

TEST_CASE("image init: busybox counts only if it is set up") {
  Image image;
  image.program("bin/busybox");
  image.link("/bin/busybox", "sbin/init");
  CHECK(image.found() == " none");
  image.put("etc/inittab", "::sysinit:/sbin/openrc sysinit\n");
  CHECK(image.found() == " none");
  image.program("sbin/openrc");
  CHECK(image.found() == "/sbin/init openrc");
  image.put("etc/inittab", "::respawn:/bin/sh\n");
  CHECK(image.found() == "/sbin/init busybox");
}

TEST_CASE("image init: runit, openrc-init and an unknown program") {
  for (auto [program, kind] : {std::pair{"runit-init", "runit"}, {"openrc-init", "openrc"}, {"dinit", "other"}}) {
    Image image;
    image.program("etc/runit/2");
    image.program(std::string("sbin/") + program);
    image.link(program, "sbin/init");
    CHECK(image.found() == std::string("/sbin/init ") + kind);
  }
}

TEST_CASE("image init: a directory, a file that is not executable, or a link out of the image is not an init") {
  Image image;
  std::filesystem::create_directories(image / "etc/init");
  image.put("sbin/init", "text");
  image.link("/proc/self/exe", "bin/init");
  CHECK(image.found() == " none");
}

TEST_CASE("image init: systemd's mounts are made for it, except those that the image masks, replaces or lacks") {
  Image image;
  image.put("usr/lib/systemd/system/dev-mqueue.mount", "");
  image.put("usr/lib/systemd/system/dev-hugepages.mount", "");
  image.link("/dev/null", "etc/systemd/system/dev-hugepages.mount");
  image.put("usr/lib/systemd/system/sys-kernel-debug.mount", "");
  image.put("etc/systemd/system/sys-kernel-debug.mount", "[Mount]\nOptions=mode=700\n");
  auto root = *guest::Root::open(image.path());
  CHECK(mounts_unit(root, "dev-mqueue.mount"));
  CHECK_FALSE(mounts_unit(root, "dev-hugepages.mount"));
  CHECK_FALSE(mounts_unit(root, "sys-kernel-debug.mount"));
  CHECK_FALSE(mounts_unit(root, "sys-kernel-tracing.mount"));
}
