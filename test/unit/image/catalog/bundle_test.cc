#include "image/catalog/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <vector>

#include "catch.h"
#include "host/files.h"
#include "image/kernel/samples.h"
#include "support/fs_fixture.h"
#include "support/image_file.h"

using namespace banger;
using namespace banger::image;
using namespace banger::image::catalog;
using samples::TempDir;
using samples::write;
using test::as_fd;
using test::slurp;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

struct Fixture {
  TempDir dir;
  host::Runtime runtime;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  ImageStore images{runtime, dir / "images", dir / "cache", path};
  ImageStore other_images{runtime, dir / "other-images", dir / "cache", path};
  KernelStore kernels{runtime, dir / "kernels", dir / "cache", path};
  KernelStore other_kernels{runtime, dir / "other-kernels", dir / "cache", path};
  host::Cancel cancel{runtime};

  Image an_image() {
    write(dir / "rootfs.tar", samples::tar({{"etc/hostname", "x"}, {"root/.bashrc", "PS1=x"}}));
    RunConfig config{.env = {"A=1"}, .cmd = {"serve"}};
    auto made = samples::run(
        runtime, images.import_tar("mine", dir / "rootfs.tar", "debian-cloud", config, no_progress, cancel));
    REQUIRE(made.has_value());
    return *made;
  }

  Kernel a_kernel() {
    write(dir / "vmlinux", samples::vmlinux());
    write(dir / "initrd.img", "initrd");
    auto made =
        samples::run(runtime, kernels.import("mine", dir / "vmlinux", {}, dir / "initrd.img", no_progress, cancel));
    REQUIRE(made.has_value());
    return *made;
  }

  std::string exported(const BundleContent& content) {
    UniqueFd file(::open((dir / "bundle").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    auto written = write_bundle(content, file.get());
    INFO((written ? "" : written.error().sentence()));
    REQUIRE(written.has_value());
    return slurp(dir / "bundle");
  }

  Result<Image> import_image(const std::string& bytes, const std::string& name = {}) {
    return samples::run(runtime, other_images.import_bundle({.name = name}, as_fd(bytes), no_progress, cancel));
  }
  Result<Kernel> import_kernel(const std::string& bytes, const std::string& name = {}) {
    return samples::run(runtime, other_kernels.import_bundle({.name = name}, as_fd(bytes), no_progress, cancel));
  }
};

BundleManifest of_rootfs(const std::string& content) {
  return {.kind = BundleKind::image,
          .name = "mine",
          .source = "import",
          .kernel = "debian-cloud",
          .members = {{"rootfs.ext4", content.size(), host::sha256_hex(content)}}};
}

/// The error for a bundle that must be refused. Also checks that nothing is left in the store.
Error refused(const std::string& bytes) {
  Fixture f;
  auto made = f.import_image(bytes);
  REQUIRE(!made.has_value());
  CHECK(f.other_images.list()->empty());
  CHECK(f.other_images.leftovers().empty());
  return made.error();
}

}  // namespace

TEST_CASE("bundle: an image arrives in an empty store") {
  Fixture f;
  auto image = f.an_image();
  auto content = bundle_of(image);
  REQUIRE(content.has_value());
  auto bytes = f.exported(*content);
  auto made = f.import_image(bytes);
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  CHECK(made->name == "mine");
  CHECK(made->kernel == "debian-cloud");
  CHECK(made->run_config == image.run_config);
  CHECK(made->sha256 == image.sha256);
  CHECK(made->source == "bundle:" + bundle_id(to_text(content->manifest)).substr(0, 12));
  CHECK(*test::read_file_in_image(made->rootfs, "/etc/hostname", 100) == "x");
  CHECK(*test::read_file_in_image(made->work_seed, "/.bashrc", 100) == "PS1=x");
  CHECK(host::disk_usage(made->rootfs) <= host::disk_usage(image.rootfs) + (1 << 20));
  CHECK((f.exported(*content) == bytes));

  auto again = f.import_image(bytes);
  REQUIRE(!again.has_value());
  CHECK(again.error().code == ErrorCode::exists);
  CHECK(f.import_image(bytes, "second").value().name == "second");
}

TEST_CASE("bundle: of several imports with one name at once, one succeeds") {
  Fixture f;
  auto bytes = f.exported(bundle_of(f.an_image()).value());
  std::vector<Result<Image>> made;
  for (int i = 0; i < 3; ++i)
    f.runtime.spawn([](Fixture* fixture, const std::string* content, std::vector<Result<Image>>* all) -> Task<> {
      all->push_back(
          co_await fixture->other_images.import_bundle({.name = "app"}, as_fd(*content), no_progress, fixture->cancel));
      if (all->size() == 3) fixture->runtime.stop();
    }(&f, &bytes, &made));
  f.runtime.io().restart();
  f.runtime.run();
  REQUIRE(made.size() == 3);
  int succeeded = 0;
  for (const auto& one : made) {
    if (one) ++succeeded;
    if (!one) CHECK(one.error().message.find("the image 'app' exists already") != std::string::npos);
  }
  CHECK(succeeded == 1);
  CHECK(f.other_images.list()->size() == 1);
}

TEST_CASE("bundle: an import as a root file system says how to import it") {
  Fixture f;
  f.exported(bundle_of(f.an_image()).value());
  auto made =
      samples::run(f.runtime, f.other_images.import_tar("app", f.dir / "bundle", "k", {}, no_progress, f.cancel));
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("is a bundle") != std::string::npos);
  CHECK(made.error().hint.find("--name app") != std::string::npos);
}

TEST_CASE("bundle: a kernel arrives in an empty store") {
  Fixture f;
  auto kernel = f.a_kernel();
  auto bytes = f.exported(bundle_of(kernel).value());
  auto made = f.import_kernel(bytes);
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  CHECK(made->name == "mine");
  CHECK(made->release == kernel.release);
  CHECK(made->sha256 == kernel.sha256);
  CHECK((slurp(made->vmlinux) == slurp(kernel.vmlinux)));
  CHECK(slurp(made->initrd) == "initrd");
  CHECK(f.import_kernel(bytes).error().code == ErrorCode::exists);
  CHECK(f.import_image(bytes).error().message.find("the bundle holds the kernel 'mine'") != std::string::npos);
}

TEST_CASE("bundle: a kernel that no VMM boots is refused") {
  Fixture f;
  BundleManifest manifest{.kind = BundleKind::kernel,
                          .name = "mine",
                          .source = "import",
                          .members = {{"vmlinux", 5, host::sha256_hex("hello")}}};
  auto bytes = test::TarBytes().file("manifest.json", to_text(manifest)).file("vmlinux", "hello").done();
  CHECK(f.import_kernel(bytes).error().code == ErrorCode::invalid);
  CHECK(f.other_kernels.list()->empty());
  CHECK(f.other_kernels.leftovers().empty());
}

TEST_CASE("bundle: a file that changes during the export is an error") {
  Fixture f;
  auto content = bundle_of(f.an_image());
  REQUIRE(content.has_value());
  content->manifest.members[0].sha256[0] ^= 1;
  UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  auto written = write_bundle(*content, null.get());
  REQUIRE(!written.has_value());
  CHECK(written.error().code == ErrorCode::corrupt);
}

TEST_CASE("bundle: an export to a full disk is an error") {
  Fixture f;
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  CHECK(write_bundle(bundle_of(f.an_image()).value(), full.get()).error().sys_errno == ENOSPC);
}

TEST_CASE("bundle: what differs from its manifest is refused") {
  using test::TarBytes;
  std::string content = "not a file system", manifest = to_text(of_rootfs(content)), other = "not a file sYstem";
  auto begin = [&] { return TarBytes().file("manifest.json", manifest); };
  CHECK(refused(begin().done()).code == ErrorCode::corrupt);
  CHECK(refused(begin().file("rootfs.ext4", other).done()).message.find("another SHA-256") != std::string::npos);
  CHECK(refused(begin().file("rootfs.ext4", content + "x").done()).code == ErrorCode::corrupt);
  CHECK(refused(begin().file("rootfs.ext4", "x").done()).code == ErrorCode::corrupt);
  CHECK(refused(begin().symlink("rootfs.ext4", "/etc/passwd").done()).code == ErrorCode::corrupt);
  CHECK(refused(begin().file("other", content).done()).code == ErrorCode::corrupt);
  CHECK(refused(begin().file("rootfs.ext4", content).file("more", "x").done()).message.find("more members") !=
        std::string::npos);
  CHECK(refused(begin().file("rootfs.ext4", content).unfinished()).code == ErrorCode::corrupt);
  CHECK(refused(begin().file("rootfs.ext4", content).done()).code == ErrorCode::corrupt);  // not ext4
  CHECK(refused(TarBytes().file("rootfs.ext4", content).done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().file("manifest.json", "{}").done()).code == ErrorCode::invalid);
  CHECK(refused(TarBytes().done()).code == ErrorCode::invalid);
  CHECK(refused("this is no archive").code == ErrorCode::corrupt);
  CHECK(refused(TarBytes().file("manifest.json", std::string(2 << 20, ' ')).done()).code == ErrorCode::corrupt);
}

TEST_CASE("bundle: the reading ends when the caller goes away") {
  Fixture f;
  auto bytes = f.exported(bundle_of(f.an_image()).value());
  StopFlag stop = true;
  std::filesystem::create_directory(f.dir / "out");
  auto read = read_bundle(as_fd(bytes).get(), BundleKind::image, f.dir / "out", &stop);
  REQUIRE(!read.has_value());
  CHECK(read.error().code == ErrorCode::cancelled);
  f.cancel.request();
  CHECK(f.import_image(bytes).error().code == ErrorCode::cancelled);
  CHECK(f.other_images.leftovers().empty());
}

TEST_CASE("bundle: a long rest behind the archive is refused") {
  std::string bytes = test::TarBytes().file("manifest.json", to_text(of_rootfs("x"))).file("rootfs.ext4", "x").done();
  Error error = refused(bytes + std::string(65 << 20, '\0'));
  CHECK(error.code == ErrorCode::corrupt);
  CHECK(error.message.find("follow its end") != std::string::npos);
}
