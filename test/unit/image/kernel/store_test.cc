// Kernels from a distribution's images, and the store's list of them.
#include "image/kernel/store.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "ext4/ext4.h"
#include "image/bounds.h"
#include "samples.h"
#include "support/image_file.h"

using namespace banger;
using namespace samples;
using image::KernelStore;
using image::unpack_vmlinux;

TEST_CASE("kernel: a bzImage with any payload gives the ELF inside") {
  std::string elf = vmlinux();
  for (const auto& payload : {lz4_legacy(elf), xz(elf), zstd(elf)}) {
    auto unpacked = unpack_vmlinux(bzimage(payload, elf.size()));
    REQUIRE(unpacked);
    CHECK((*unpacked == elf));
  }
  // gzip data itself ends with its size, so nothing is appended.
  auto unpacked = unpack_vmlinux(bzimage(gzip(elf), 0, false));
  REQUIRE(unpacked);
  CHECK((*unpacked == elf));
}

TEST_CASE("kernel: an ELF is accepted unchanged, and one for another machine is refused") {
  std::string elf = vmlinux();
  auto unpacked = unpack_vmlinux(elf);
  REQUIRE(unpacked);
  CHECK((*unpacked == elf));
  elf[18] = static_cast<char>(EM_AARCH64);
  unpacked = unpack_vmlinux(elf);
  REQUIRE(!unpacked);
  CHECK(unpacked.error().code == ErrorCode::unsupported);
}

TEST_CASE("kernel: other data is refused with a hint") {
  for (std::string bytes :
       {std::string(), std::string("#!/bin/sh\n"), std::string(100'000, 'x'), std::string(0x250, '\0')}) {
    auto unpacked = unpack_vmlinux(bytes);
    REQUIRE(!unpacked);
    CHECK(unpacked.error().code == ErrorCode::invalid);
    CHECK(unpacked.error().hint.find("vmlinux") != std::string::npos);
  }
}

TEST_CASE("kernel: a bzImage cut short anywhere is refused") {
  std::string elf = vmlinux("6.1.0-test", 2'000);
  std::string image = bzimage(lz4_legacy(elf, 5'000), elf.size());
  for (std::size_t size = 0; size + 8 < image.size(); size += 7) CHECK(!unpack_vmlinux(image.substr(0, size)));
}

TEST_CASE("kernel: a payload with a false size is refused") {
  std::string elf = vmlinux();
  auto larger = unpack_vmlinux(bzimage(xz(elf), elf.size() + 1));
  REQUIRE(!larger);
  CHECK(larger.error().code == ErrorCode::corrupt);
  auto smaller = unpack_vmlinux(bzimage(xz(elf), elf.size() - 1));
  REQUIRE(!smaller);
  CHECK(smaller.error().code == ErrorCode::exhausted);
  auto huge = unpack_vmlinux(bzimage(xz(elf), limits::kKernelImageBytes + 1));
  REQUIRE(!huge);
  CHECK(huge.error().code == ErrorCode::exhausted);
}

TEST_CASE("kernel: payload offsets outside the file are refused") {
  std::string image = bzimage(xz(vmlinux()), vmlinux().size());
  for (std::size_t field : {0x248, 0x24c})
    for (std::uint32_t value : {0x7fffffffu, 0xffffffffu, 0u, 7u}) {
      std::string bad = image;
      bad.replace(field, 4, raw(value));
      CHECK(!unpack_vmlinux(bad));
    }
}

TEST_CASE("kernel: the release comes from the banner, not from the format string before it") {
  CHECK(image::release_of_vmlinux(vmlinux("6.1.0-56-cloud-amd64")) == "6.1.0-56-cloud-amd64");
  CHECK(image::release_of_vmlinux("Linux version %s (%s)").empty());
  CHECK(image::release_of_vmlinux("Linux version 6").empty());
}

namespace {

struct Fixture {
  TempDir dir;
  host::Runtime runtime;
  KernelStore store{runtime, dir / "kernels", dir / "cache", "/usr/bin:/bin"};
  host::Cancel cancel{runtime};

  Result<image::Kernel> import(std::string name, std::string file, std::string modules = {}, std::string initrd = {}) {
    return run(runtime, store.import(name, file, modules, initrd, [](auto, auto, int) {}, cancel));
  }
  std::string an_elf() {
    write(dir / "vmlinux", vmlinux());
    return dir / "vmlinux";
  }
};

}  // namespace

TEST_CASE("kernel: an imported one is listed, shown and removed again") {
  Fixture f;
  std::string elf = vmlinux();
  write(f.dir / "vmlinuz", bzimage(zstd(elf), elf.size()));
  write(f.dir / "initrd.img", "070701");
  auto kernel = f.import("mine", f.dir / "vmlinuz", {}, f.dir / "initrd.img");
  REQUIRE(kernel);
  CHECK(kernel->release == "6.1.0-test");
  CHECK(kernel->source == "import");
  CHECK(kernel->sha256.size() == 64);
  CHECK(kernel->size_bytes > 0);
  CHECK(kernel->created_at > 0);
  CHECK(std::filesystem::file_size(kernel->vmlinux) == elf.size());
  CHECK(std::filesystem::file_size(kernel->initrd) == 6);

  auto listed = f.store.list();
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front() == *kernel);
  CHECK(run(f.runtime, f.store.remove("mine")));
  CHECK(f.store.get("mine").error().code == ErrorCode::not_found);
  CHECK(std::filesystem::is_empty(f.dir / "kernels"));
}

TEST_CASE("kernel: early modules are flat, unpacked, and after their dependencies") {
  Fixture f;
  std::string tree = f.dir / "lib/modules/6.1.0-test/kernel";
  write(tree + "/net/virtio_net.ko.xz", xz(module("net_failover,virtio_ring")));
  write(tree + "/net/net_failover.ko.zst", zstd(module("failover")));
  write(tree + "/net/failover.ko.gz", gzip(module("")));
  write(tree + "/drivers/virtio_ring.ko", module("virtio"));
  write(tree + "/drivers/virtio.ko", module(""));
  write(tree + "/drivers/virtio-rng.ko", module("odd-helper"));
  write(tree + "/drivers/odd_helper.ko", module(""));
  write(tree + "/drivers/unrelated.ko", module(""));
  auto kernel = f.import("mine", f.an_elf(), f.dir.path());
  REQUIRE(kernel);
  std::vector<std::string> names;
  for (const auto& path : kernel->modules) names.push_back(std::filesystem::path(path).stem());
  CHECK(names == std::vector<std::string>{"virtio", "virtio_ring", "failover", "net_failover", "virtio_net",
                                          "odd_helper", "virtio_rng"});
  for (const auto& path : kernel->modules) CHECK(std::filesystem::file_size(path) >= module("").size());
}

TEST_CASE("kernel: all modules are in a file system for guests, with modprobe's indexes") {
  Fixture f;
  std::string tree = f.dir / "lib/modules/6.1.0-test";
  write(tree + "/kernel/net/bridge.ko", module("stp"));
  write(tree + "/kernel/net/stp.ko", module(""));
  write(tree + "/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
  auto kernel = f.import("mine", f.an_elf(), f.dir.path());
  REQUIRE(kernel);
  REQUIRE(kernel->modules_image != "");
  CHECK(ext4::check_ext4(kernel->modules_image));
  CHECK(test::read_file_in_image(kernel->modules_image, "kernel/stp.ko", 1 << 20).value() == module(""));
  CHECK_THAT(test::read_file_in_image(kernel->modules_image, "modules.dep", 1 << 20).value(),
             Catch::Contains("kernel/bridge.ko:"));
  CHECK(test::read_file_in_image(kernel->modules_image, "modules.builtin", 1 << 20).value() ==
        "kernel/fs/ext4/ext4.ko\n");
  CHECK(std::filesystem::is_empty(f.dir / "cache/kernel-pull"));
  auto without = f.import("without", f.an_elf());
  REQUIRE(without);
  CHECK(without->modules_image == "");
}

TEST_CASE("kernel: modules of another kernel are refused, naming both") {
  Fixture f;
  write(f.dir / "modules/virtio.ko", module("", "5.10.0-other"));
  auto kernel = f.import("mine", f.an_elf(), f.dir / "modules");
  REQUIRE(!kernel);
  CHECK(kernel.error().code == ErrorCode::invalid);
  CHECK(kernel.error().message.find("5.10.0-other, not 6.1.0-test") != std::string::npos);
  CHECK(std::filesystem::is_empty(f.dir / "kernels"));
}

TEST_CASE("kernel: a file that only looks like a module is refused by name") {
  Fixture f;
  write(f.dir / "modules/virtio.ko", "hello");
  auto kernel = f.import("mine", f.an_elf(), f.dir / "modules");
  REQUIRE(!kernel);
  CHECK(kernel.error().message.find("virtio.ko") != std::string::npos);
}

TEST_CASE("kernel: a taken or invalid name is refused before anything is read") {
  Fixture f;
  REQUIRE(f.import("mine", f.an_elf()));
  CHECK(f.import("mine", f.dir / "missing").error().code == ErrorCode::exists);
  for (const char* name : {"", "../x", ".x", "a/b", "A", "-x"})
    CHECK(f.import(name, f.dir / "missing").error().code == ErrorCode::invalid);
}

TEST_CASE("kernel: an unknown name suggests the nearest, or the pull") {
  Fixture f;
  REQUIRE(f.import("mine", f.an_elf()));
  CHECK(f.store.get("mime").error().hint.find("'mine'") != std::string::npos);
  CHECK(f.store.get("debian-cloud").error().hint == "banger kernel pull debian-cloud");
  CHECK(run(f.runtime, f.store.pull("arch", [](auto, auto, int) {}, f.cancel)).error().code == ErrorCode::not_found);
}

TEST_CASE("kernel: a damaged one is corrupt and does not disturb the list") {
  Fixture f;
  REQUIRE(f.import("good", f.an_elf()));
  for (std::string manifest :
       {"", "{", "[]", R"({"source":"x"})",
        R"({"source":"x","release":"","sha256":"","created_at":1,"modules":["../../etc/passwd"]})"}) {
    write(f.dir / "kernels/bad/manifest.json", manifest);
    auto bad = f.store.get("bad");
    REQUIRE(!bad);
    CHECK(bad.error().code == ErrorCode::corrupt);
    CHECK(bad.error().hint.find("kernel delete bad") != std::string::npos);
    CHECK(f.store.list()->size() == 1);
  }
  std::filesystem::remove(f.store.get("good")->vmlinux);
  CHECK(f.store.get("good").error().code == ErrorCode::corrupt);
  CHECK(run(f.runtime, f.store.remove("bad")));
  CHECK(run(f.runtime, f.store.remove("good")));
}

TEST_CASE("kernel: an incomplete directory after a crash is a leftover and not a kernel") {
  Fixture f;
  write(f.dir / "kernels/.mine.partial-0011aabb/vmlinux", "half");
  CHECK(f.store.list()->empty());
  CHECK(f.store.leftovers() == std::vector<std::string>{f.dir / "kernels/.mine.partial-0011aabb"});
  REQUIRE(f.import("mine", f.an_elf()));
}

TEST_CASE("kernel: a pull without apt on the host is unsupported, with a hint") {
  Fixture f;
  KernelStore bare(f.runtime, f.dir / "kernels", f.dir / "cache", f.dir / "no-programs");
  auto pulled = run(f.runtime, bare.pull("debian-cloud", [](auto, auto, int) {}, f.cancel));
  REQUIRE(!pulled);
  CHECK(pulled.error().code == ErrorCode::unsupported);
  CHECK(pulled.error().hint.find("kernel import") != std::string::npos);
}

TEST_CASE("kernel: a cancelled pull ends early and leaves nothing") {
  Fixture f;
  // An apt that never answers: a script that sleeps until it is ended.
  for (const char* name : {"apt-get", "apt-cache"}) {
    write(f.dir / "bin/" + name, "#!/bin/sh\nexec sleep 600\n");
    std::filesystem::permissions(f.dir / "bin/" + name, std::filesystem::perms::owner_all);
  }
  KernelStore store(f.runtime, f.dir / "kernels", f.dir / "cache", f.dir / "bin:/usr/bin:/bin");
  auto cancel_soon = [](host::Runtime& runtime, host::Cancel& cancel) -> Task<> {
    co_await runtime.sleep_for(std::chrono::milliseconds(50));
    cancel.request();
  };
  f.runtime.spawn(cancel_soon(f.runtime, f.cancel));
  auto pulled = run(f.runtime, store.pull("debian-cloud", [](auto, auto, int) {}, f.cancel));
  REQUIRE(!pulled);
  CHECK(pulled.error().code == ErrorCode::cancelled);
  CHECK(store.leftovers().empty());
  CHECK(store.list()->empty());
}

// Needs the network and a Debian host: unit_image '[.slow]'. BANGER_TEST_KEEP=DIR keeps the store there.
TEST_CASE("kernel: debian-cloud is pulled through apt as this user", "[.slow]") {
  Fixture f;
  const char* keep = ::getenv("BANGER_TEST_KEEP");
  std::string base = keep ? keep : f.dir.path();
  KernelStore store(f.runtime, base + "/kernels", base + "/cache", "/usr/local/bin:/usr/bin:/bin");
  std::vector<std::string> stages;
  auto progress = [&](std::string_view stage, std::string_view detail, int percent) {
    stages.push_back(std::string(stage));
    UNSCOPED_INFO(stage << " " << detail << " " << percent);
  };
  auto kernel = run(f.runtime, store.pull("debian-cloud", progress, f.cancel));
  if (!kernel) FAIL(kernel.error().sentence());
  WARN(kernel->source << ", " << kernel->release);
  CHECK(stages.front() == "download");
  CHECK(stages.back() == "unpack");
  CHECK(kernel->release.find("cloud-amd64") != std::string::npos);
  CHECK(kernel->modules.size() >= 17);
  CHECK(kernel->source.starts_with("apt:linux-image-" + kernel->release));
  // A second time, it is replaced in one step.
  auto again = run(f.runtime, store.pull("debian-cloud", progress, f.cancel));
  if (!again) FAIL(again.error().sentence());
  CHECK(again->sha256 == kernel->sha256);
  CHECK(store.leftovers().empty());
}
