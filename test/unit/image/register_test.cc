// Images that use a file of the host: it stays there, is checked at each use, and can be copied.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/catalog/bundle.h"
#include "image/kernel/samples.h"

using namespace banger;
using namespace banger::image;
using Catch::Matchers::Contains;

namespace {

struct Fixture {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  ImageStore images{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  std::string file = dir / "mine.ext4";

  Fixture() {
    REQUIRE(ext4::make_empty_ext4(file, {.label = "mine", .size_bytes = 16 << 20, .uuid_seed = "mine"}));
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
  }
  static void quiet(std::string_view, std::string_view, int) {}
  Result<Image> add(const std::string& name = "mine") { return add(name, file); }
  Result<Image> add(const std::string& name, const std::string& path) {
    return test::run(runtime, images.register_file(name, path, "k", quiet, cancel));
  }
  /// Makes the manifest that older versions wrote.
  void forget_inode(const Image& image) {
    auto path = image.directory() + "/manifest.json";
    auto manifest = Json::parse(*host::read_file(path, 10'000));
    manifest["host_file"].erase("inode");
    REQUIRE(host::write_file(path, manifest.dump(), 0644));
  }
  Result<Image> promote() { return test::run(runtime, images.promote("mine", quiet, cancel)); }
};

void append(const std::string& path) { std::ofstream(path, std::ios::app) << "x"; }

}  // namespace

TEST_CASE("register: the image uses the file where it is, and its deletion leaves the file") {
  Fixture f;
  auto image = f.add();
  INFO((image ? "" : image.error().sentence()));
  REQUIRE(image);
  CHECK(image->rootfs == f.file);
  CHECK(image->host_file->path == f.file);
  CHECK(std::filesystem::exists(image->work_seed));
  CHECK(image->directory() == f.dir / "images/" + image->id);
  CHECK(check_host_file(*image));
  CHECK(f.add().error().code == ErrorCode::exists);
  REQUIRE(test::run(f.runtime, f.images.remove(image->id)));
  CHECK(std::filesystem::exists(f.file));
}

TEST_CASE("register: a file of the store itself is refused") {
  Fixture f;
  auto image = f.add();
  REQUIRE(image);
  REQUIRE(f.promote());
  auto own = f.images.get("mine")->rootfs;
  auto again = f.add("again", own);
  REQUIRE_FALSE(again);
  CHECK(again.error().message.find("belongs to another image") != std::string::npos);
}

TEST_CASE("register: a missing or changed file is named, and the image stays in the list") {
  Fixture f;
  REQUIRE(f.add());
  append(f.file);
  auto changed = check_host_file(*f.images.get("mine"));
  REQUIRE(!changed);
  CHECK(changed.error().code == ErrorCode::corrupt);
  CHECK_THAT(changed.error().sentence(), Contains("'mine' uses " + f.file + ", which has changed"));
  CHECK(catalog::bundle_of(*f.images.get("mine")).error().code == ErrorCode::corrupt);
  std::filesystem::remove(f.file);
  CHECK(check_host_file(*f.images.get("mine")).error().code == ErrorCode::unavailable);
  CHECK(f.images.list()->size() == 1);
  CHECK(f.promote().error().code == ErrorCode::unavailable);
}

TEST_CASE("register: another file with the same size and time is noticed") {
  Fixture f;
  REQUIRE(f.add());
  auto time = std::filesystem::last_write_time(f.file);
  std::filesystem::copy_file(f.file, f.dir / "other");
  ::chmod((f.dir / "other").c_str(), 0644);
  std::filesystem::last_write_time(f.dir / "other", time);
  std::filesystem::rename(f.dir / "other", f.file);
  auto swapped = check_host_file(*f.images.get("mine"));
  REQUIRE(!swapped);
  CHECK(swapped.error().code == ErrorCode::corrupt);
}

TEST_CASE("register: a file that was away and comes back is the same") {
  Fixture f;
  REQUIRE(f.add());
  std::filesystem::rename(f.file, f.dir / "away");
  CHECK(check_host_file(*f.images.get("mine")).error().code == ErrorCode::unavailable);
  std::filesystem::rename(f.dir / "away", f.file);
  CHECK(check_host_file(*f.images.get("mine")));
}

TEST_CASE("register: an image of an older version, which knows only the time, still works") {
  Fixture f;
  auto image = f.add();
  REQUIRE(image);
  CHECK(image->host_file->inode != 0);
  f.forget_inode(*image);
  auto older = f.images.get("mine");
  REQUIRE(older);
  CHECK(older->host_file->inode == 0);
  CHECK(check_host_file(*older));
  REQUIRE(f.images.tag("mine", "other"));
  CHECK(f.images.get("mine")->host_file == older->host_file);
}

TEST_CASE("register: who may write is checked at each use, also above the file") {
  Fixture f;
  std::filesystem::create_directories(f.dir / "deep/er");
  std::filesystem::rename(f.file, f.dir / "deep/er/mine.ext4");
  f.file = f.dir / "deep/er/mine.ext4";
  REQUIRE(f.add());
  auto refused = [&](const std::string& path, mode_t wrong, mode_t right) {
    ::chmod(path.c_str(), wrong);
    auto used = check_host_file(*f.images.get("mine"));
    auto added = f.add("other");
    ::chmod(path.c_str(), right);
    INFO(path);
    REQUIRE(!used);
    CHECK(used.error().code == ErrorCode::denied);
    CHECK_THAT(used.error().sentence(),
               Contains("image 'mine': other users can write to " + path + ",") && Contains("chmod go-w " + path));
    REQUIRE(!added);
    CHECK(added.error().code == ErrorCode::denied);
  };
  refused(f.dir / "deep", 0777, 0755);
  refused(f.dir / "deep/er", 0775, 0755);
  CHECK(check_host_file(*f.images.get("mine")));
  ::chmod((f.dir / "deep").c_str(), 01777);
  CHECK(check_host_file(*f.images.get("mine")));
  refused(f.file, 0646, 0644);
}

TEST_CASE("register: files and directories of other users are refused") {
  if (::geteuid() != 0) return;
  constexpr uid_t kOther = 12'345;
  Fixture f;
  std::filesystem::create_directories(f.dir / "theirs");
  std::filesystem::rename(f.file, f.dir / "theirs/mine.ext4");
  f.file = f.dir / "theirs/mine.ext4";
  REQUIRE(f.add());
  for (const auto& path : {f.dir / "theirs", f.file}) {
    REQUIRE(::chown(path.c_str(), kOther, 0) == 0);
    CHECK(check_host_file(*f.images.get("mine")).error().code == ErrorCode::denied);
    CHECK(f.add("other").error().code == ErrorCode::denied);
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
  }
}

TEST_CASE("register: refuses what others can change, and what is no clean ext4") {
  Fixture f;
  ::chmod(f.file.c_str(), 0666);
  CHECK(f.add().error().code == ErrorCode::denied);
  ::chmod(f.file.c_str(), 0644);
  CHECK(f.add("Bad Name").error().code == ErrorCode::invalid);
  f.file = f.dir / "text";
  f.dir.put("text", "no file system");
  ::chmod(f.file.c_str(), 0644);
  CHECK_THAT(f.add().error().sentence(), Contains("is not an ext4 image") && Contains("image import"));
  f.file = f.dir.path();
  CHECK(f.add().error().code == ErrorCode::invalid);
  f.file = f.dir / "none";
  CHECK(f.add().error().code == ErrorCode::not_found);
  CHECK(f.images.list()->empty());
  CHECK(f.images.leftovers().empty());
}

TEST_CASE("promote: the image gets a copy of its own, with its names") {
  Fixture f;
  auto before = f.add();
  REQUIRE(before);
  REQUIRE(f.images.tag("mine", "other"));
  auto image = f.promote();
  INFO((image ? "" : image.error().sentence()));
  REQUIRE(image);
  CHECK_FALSE(image->host_file);
  CHECK(image->rootfs == image->directory() + "/rootfs.ext4");
  CHECK(image->other_names == std::vector<std::string>{"other"});
  CHECK(host::sha256_file(image->rootfs) == before->sha256);
  std::filesystem::remove(f.file);
  CHECK(check_host_file(*f.images.get("mine")));
  auto again = f.promote();
  REQUIRE(again);
  CHECK(*again == *image);
  CHECK(f.images.leftovers().empty());
}

TEST_CASE("promote: a file with other content behind the same time and size is refused") {
  Fixture f;
  auto image = f.add();
  REQUIRE(image);
  auto time = std::filesystem::last_write_time(f.file);
  {
    std::fstream file(f.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1 << 20);
    file << "other";
  }
  std::filesystem::last_write_time(f.file, time);
  auto promoted = f.promote();
  REQUIRE(!promoted);
  CHECK(promoted.error().code == ErrorCode::corrupt);
  CHECK(f.images.get("mine")->host_file);
  CHECK(f.images.leftovers().empty());
}
