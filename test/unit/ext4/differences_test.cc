#include "ext4/differences.h"

#include <filesystem>
#include <set>

#include "layers.h"
#include "listing.h"

using namespace banger;
using namespace banger::ext4;
using namespace banger::test;
using Catch::Matchers::Contains;

namespace {

using Layers = std::vector<std::string>;

/// Images of two stacks of layers.
struct Fixture {
  TempDir dir;
  Layers base, image;

  Fixture(Layers base_layers, Layers image_layers) : base(std::move(base_layers)), image(std::move(image_layers)) {
    auto made = write_layers(base, dir / "base");
    if (!made) FAIL(made.error().sentence());
    made = write_layers(image, dir / "image");
    if (!made) FAIL(made.error().sentence());
  }

  Result<> write_to(int fd) const {
    return write_tar_of_differences({.base = dir / "base", .image = dir / "image"}, fd);
  }
  std::string layer() const {
    UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
    auto written = write_to(fd.get());
    if (!written) FAIL(written.error().sentence());
    return slurp(fmt::format("/proc/self/fd/{}", fd.get()));
  }
  /// Empty when the layer on top of the base gives the image.
  std::string wrong() const {
    auto stack = base;
    stack.push_back(layer());
    auto made = write_layers(stack, dir / "again");
    if (!made) return made.error().sentence();
    auto found = difference(list_image(dir / "image"), list_image(dir / "again"));
    std::filesystem::remove(dir / "again");
    return found;
  }
  /// The members of the layer.
  std::set<std::string> names() const {
    spill(dir / "layer.tar", layer());
    auto listed = run(fmt::format("tar -tf {}", dir / "layer.tar"));
    REQUIRE(listed.status == 0);
    std::set<std::string> found;
    std::istringstream lines(listed.output);
    for (std::string line; std::getline(lines, line);) found.insert(line);
    return found;
  }
};

using Names = std::set<std::string>;

std::string lower() {
  TarBytes tar;
  return tar.directory("./")
      .directory("./bin")
      .file("./bin/a", "aaaa")
      .hard_link("./bin/b", "./bin/a")
      .file("./bin/c", "cccc")
      .directory("./etc")
      .file("./etc/old", "old")
      .directory("./etc/deep")
      .file("./etc/deep/file")
      .symlink("./link", "bin")
      .done();
}

Names changed(const std::string& upper) {
  Fixture f({lower()}, {lower(), upper});
  CHECK(f.wrong() == "");
  return f.names();
}

}  // namespace

TEST_CASE("differences: an image without changes gives an empty layer") {
  Fixture f({lower()}, {lower()});
  CHECK(f.names() == Names{});
  CHECK(f.layer().size() <= 10240);
}

TEST_CASE("differences: only what changed is written, with the directories above it") {
  CHECK(changed(TarBytes().file("etc/deep/new").done()) == Names{"./", "./etc/", "./etc/deep/", "./etc/deep/new"});
  CHECK(changed(TarBytes().file("bin/c", "dddd").done()) == Names{"./", "./bin/", "./bin/c"});
  CHECK(changed(TarBytes().add({.name = "bin/c", .content = "cccc", .mode = 0600}).done()).contains("./bin/c"));
  CHECK(changed(TarBytes().add({.name = "bin/c", .content = "cccc", .uid = 7}).done()).contains("./bin/c"));
  CHECK(changed(TarBytes().add({.name = "bin/c", .content = "cccc", .mtime = 5}).done()).contains("./bin/c"));
  CHECK(changed(TarBytes().symlink("link", "etc").done()) == Names{"./", "./link"});
  CHECK(changed(TarBytes().directory("etc/deep", 0700).done()) == Names{"./", "./etc/", "./etc/deep/"});
  auto note = std::map<std::string, std::string>{{"SCHILY.xattr.user.note", "hello"}};
  CHECK(changed(TarBytes().add({.name = "bin/c", .content = "cccc", .pax = note}).done()).contains("./bin/c"));
}

TEST_CASE("differences: what is gone becomes a whiteout, and what is below has none") {
  CHECK(changed(TarBytes().file(".wh.etc").done()) == Names{"./", "./.wh.etc"});
  CHECK(changed(TarBytes().file("etc/deep/.wh.file").done()) ==
        Names{"./", "./etc/", "./etc/deep/", "./etc/deep/.wh.file"});
}

TEST_CASE("differences: files and directories replace each other") {
  CHECK(changed(TarBytes().file("etc").done()) == Names{"./", "./etc"});
  CHECK(changed(TarBytes().file(".wh.link").directory("link").file("link/x").done()) ==
        Names{"./", "./link/", "./link/x"});
  CHECK(changed(TarBytes().add({.name = "bin/c", .type = '6'}).done()) == Names{"./", "./bin/", "./bin/c"});
}

TEST_CASE("differences: all names of a file are written when one changes") {
  CHECK(changed(TarBytes().hard_link("etc/again", "bin/a").done()) ==
        Names{"./", "./bin/", "./bin/a", "./bin/b", "./etc/", "./etc/again"});
  CHECK(changed(TarBytes().file("bin/b", "aaaa").done()) == Names{"./", "./bin/", "./bin/a", "./bin/b"});
  CHECK(changed(TarBytes().file("bin/.wh.b").done()) == Names{"./", "./bin/", "./bin/.wh.b", "./bin/a"});
}

TEST_CASE("differences: a hole and zeros are the same content, and one byte in a hole is not") {
  TempDir dir;
  auto tree = [&](std::string_view commands) {
    REQUIRE(run(fmt::format("rm -rf {0}/t; mkdir {0}/t; cd {0}/t; {1}; touch -d @1700000000 f; "
                            "tar --sparse --owner=0 --group=0 -cf ../t.tar f",
                            dir.path(), commands))
                .status == 0);
    return slurp(dir / "t.tar");
  };
  auto holes = tree("truncate -s 20M f; printf x | dd of=f bs=1 seek=9000000 conv=notrunc");
  auto zeros = tree("dd if=/dev/zero of=f bs=1M count=20; printf x | dd of=f bs=1 seek=9000000 conv=notrunc");
  auto more = tree(
      "truncate -s 20M f; printf x | dd of=f bs=1 seek=9000000 conv=notrunc; "
      "printf y | dd of=f bs=1 seek=100000 conv=notrunc");
  CHECK(Fixture({holes}, {zeros}).names() == Names{});
  CHECK(Fixture({zeros}, {holes}).names() == Names{});
  for (const auto& [from, to] : {std::pair{holes, more}, {more, holes}}) {
    Fixture f({from}, {to});
    CHECK(f.names() == Names{"./", "./f"});
    CHECK(f.wrong() == "");
  }
}

TEST_CASE("differences: the layer on top of the base gives the image, whatever they are") {
  unsigned compared = 0;
  for (unsigned seed = 0; seed < 120; ++seed) {
    auto layers = random_layers(seed);
    TempDir dir;
    if (!write_layers(layers, dir / "image")) continue;  // such entries cannot be placed
    INFO(layers_text(seed));
    CHECK(Fixture({layers[0]}, layers).wrong() == "");
    CHECK(Fixture(layers, {layers[0]}).wrong() == "");
    ++compared;
  }
  CHECK(compared > 60);
}

TEST_CASE("differences: the same images give the same bytes") {
  auto layers = random_layers(3);
  Fixture a({layers[0]}, layers), b({layers[0]}, layers);
  CHECK(a.layer() == b.layer());
}

TEST_CASE("differences: a new file with the name of a whiteout is refused") {
  TempDir dir;
  REQUIRE(write(lower(), dir / "base"));
  REQUIRE(write(TarBytes().file("etc/.wh.x").done(), dir / "image"));
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  auto written = write_tar_of_differences({.base = dir / "base", .image = dir / "image"}, fd.get());
  CHECK(written.error().code == ErrorCode::unsupported);
  CHECK_THAT(written.error().sentence(), Contains("etc/.wh.x") && Contains("(hint: "));
}

TEST_CASE("differences: a stop ends the work") {
  Fixture f({lower()}, {lower()});
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  std::atomic<bool> stop = true;
  auto written = write_tar_of_differences({.base = f.dir / "base", .image = f.dir / "image"}, fd.get(), &stop);
  CHECK(written.error().code == ErrorCode::cancelled);
}

TEST_CASE("differences: what is no image is refused") {
  TempDir dir;
  spill(dir / "text", std::string(100'000, 't'));
  REQUIRE(write(lower(), dir / "image"));
  UniqueFd fd(::memfd_create("tar", MFD_CLOEXEC));
  CHECK(write_tar_of_differences({.base = dir / "text", .image = dir / "image"}, fd.get()).error().code ==
        ErrorCode::corrupt);
}
