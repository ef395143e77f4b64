// Work on images leaves room on a full disk: the writers themselves look, so that no disk is too fast for them.
#include "image/room.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "base/bounds.h"
#include "catch.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/catalog/bundle.h"
#include "image/kernel/samples.h"
#include "image/oci/digest.h"
#include "image/oci/layer_file.h"
#include "image/oci/layout.h"
#include "image/store.h"
#include "image/tar_stream.h"
#include "support/sandbox.h"

using namespace banger;
using namespace banger::image;

namespace {

constexpr const char* kSmall = "/run/small";
constexpr std::size_t kDiskMiB = 100;

void quiet(std::string_view, std::string_view, int) {}

/// Runs the check where kSmall is a file system of so many MiB, whose reserve is a twentieth of that.
void on_small_disk(std::size_t mib, const std::function<std::string()>& check) {
  if (!test::sandbox_available()) return;
  CHECK(test::in_sandbox([&]() -> std::string {
          ::mkdir(kSmall, 0755);
          if (::mount("small", kSmall, "tmpfs", 0, fmt::format("size={}m", mib).c_str()) < 0) return "mount a tmpfs";
          return check();
        }) == "");
}

template <class T>
std::string kept_reserve(const Result<T>& result, std::size_t mib) {
  if (result) return "it was written";
  auto told = fmt::format("has less than {}M left", mib / 20);
  bool right = result.error().code == ErrorCode::exhausted && result.error().message.contains(told);
  return right ? "" : result.error().sentence();
}

struct Store {
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  ImageStore images{runtime, std::string(kSmall) + "/images", std::string(kSmall) + "/cache", "/usr/bin:/bin"};
};

/// A root file system with one large file.
void make_rootfs(const std::string& path, const std::string& directory, const std::string& content) {
  samples::write(path + ".tar", samples::tar({{directory, "", AE_IFDIR}, {directory + "/big", content}}));
  auto tar = host::open_file(path + ".tar", O_RDONLY);
  REQUIRE(ext4::write_ext4_from_tar(tar->get(), path, {.spare_bytes = 1 << 20, .journal = false}));
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
}

}  // namespace

TEST_CASE("room: an import ends while the reserve is left") {
  samples::TempDir dir;
  samples::write(dir / "tar", samples::tar({{"big", std::string((kDiskMiB + 20) * limits::kMiB, 'x')}}));
  on_small_disk(kDiskMiB, [&] {
    Store store;
    auto made = test::run(store.runtime, store.images.import_tar("big", dir / "tar", "k", {}, quiet, store.cancel));
    return kept_reserve(made, kDiskMiB) + (store.images.leftovers().empty() ? "" : "there are leftovers");
  });
}

TEST_CASE("room: a work seed ends while the reserve is left") {
  if (::geteuid() != 0) return;  // in a user namespace, the directories above the file belong to nobody
  samples::TempDir dir;
  make_rootfs(dir / "file", "root", std::string((kDiskMiB + 20) * limits::kMiB, 'x'));
  on_small_disk(kDiskMiB, [&] {
    Store store;
    auto made = test::run(store.runtime, store.images.register_file("big", dir / "file", "k", quiet, store.cancel));
    return kept_reserve(made, kDiskMiB);
  });
}

TEST_CASE("room: a promotion ends while the reserve is left") {
  if (::geteuid() != 0) return;
  samples::TempDir dir;
  make_rootfs(dir / "file", "opt", std::string((kDiskMiB + 20) * limits::kMiB, 'x'));
  on_small_disk(kDiskMiB, [&]() -> std::string {
    Store store;
    auto made = test::run(store.runtime, store.images.register_file("big", dir / "file", "k", quiet, store.cancel));
    if (!made) return made.error().sentence();
    auto promoted = test::run(store.runtime, store.images.promote("big", quiet, store.cancel));
    return kept_reserve(promoted, kDiskMiB) + (store.images.get("big")->host_file ? "" : "it lost its file");
  });
}

TEST_CASE("room: the import of a bundle ends while the reserve is left") {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  ImageStore images{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  // Bytes that compress well: the size of the bundle says nothing.
  samples::write(dir / "tar", samples::tar({{"opt", "", AE_IFDIR}, {"opt/big", std::string(kDiskMiB << 20, 'x')}}));
  auto made = test::run(runtime, images.import_tar("big", dir / "tar", "k", {}, quiet, cancel));
  REQUIRE(made);
  auto bundle = host::open_file(dir / "bundle", O_CREAT | O_RDWR);
  REQUIRE(bundle);
  REQUIRE(catalog::write_bundle(catalog::bundle_of(*made).value(), bundle->get()));
  on_small_disk(kDiskMiB, [&] {
    ::lseek(bundle->get(), 0, SEEK_SET);
    return kept_reserve(catalog::read_bundle(bundle->get(), catalog::BundleKind::image, kSmall, nullptr), kDiskMiB);
  });
}

TEST_CASE("room: a layer ends while the reserve is left") {
  samples::TempDir dir;
  constexpr std::size_t kMiB = 40;
  std::string content((kMiB + 4) * limits::kMiB, '\0');
  std::mt19937 random;  // so that it does not compress away
  for (std::size_t at = 0; at < content.size(); at += sizeof(std::uint32_t)) {
    auto value = static_cast<std::uint32_t>(random());
    std::memcpy(content.data() + at, &value, sizeof value);
  }
  make_rootfs(dir / "file", "opt", content);
  on_small_disk(kMiB, [&] {
    ::signal(SIGPIPE, SIG_IGN);  // as the program does
    std::atomic<std::uint64_t> packed = 0;
    return kept_reserve(oci::make_layer({.rootfs = dir / "file"}, kSmall, packed, nullptr), kMiB);
  });
}

TEST_CASE("room: an OCI layout ends while the reserve is left") {
  samples::TempDir dir;
  constexpr std::size_t kMiB = 40;
  std::string content((kMiB + 4) * limits::kMiB, 'x');
  samples::write(dir / "tar", samples::tar({{"blobs/sha256/" + oci::Digest::of(content).hex(), content}}));
  on_small_disk(kMiB, [&] {
    auto file = host::open_file(dir / "tar", O_RDONLY);
    return kept_reserve(oci::read_layout(file->get(), kSmall, 1 << 30), kMiB);
  });
}

TEST_CASE("room: an import that is cancelled ends at once") {
  samples::TempDir dir;
  samples::write(dir / "tar", samples::tar({{"big", std::string(64 * limits::kMiB, 'x')}}));
  host::Runtime runtime;
  host::Cancel cancel(runtime);
  cancel.request();
  ImageStore images(runtime, dir / "images", dir / "cache", "/usr/bin:/bin");
  std::string last;
  auto progress = [&](std::string_view stage, std::string_view detail, int) {
    if (stage == "write") last = detail;
  };
  auto made = test::run(runtime, images.import_tar("big", dir / "tar", "k", {}, progress, cancel));
  REQUIRE(!made);
  CHECK(made.error().code == ErrorCode::cancelled);
  CHECK(last == "0B");
  CHECK(images.leftovers().empty());
}

TEST_CASE("room: a tar stream that is stopped says so") {
  samples::TempDir dir;
  samples::write(dir / "tar", samples::tar({{"big", std::string(8 * limits::kMiB, 'x')}}));
  host::Runtime runtime;
  auto file = host::open_file(dir / "tar", O_RDONLY);
  auto stream = TarStream::start(runtime, std::move(*file), dir / "rootfs", {.spare_bytes = 1 << 20});
  stream->stop();
  CHECK(test::run(runtime, stream->wait()).error().code == ErrorCode::cancelled);
  CHECK(!std::filesystem::exists(dir / "rootfs"));
}
