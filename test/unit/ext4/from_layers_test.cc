#include "ext4/from_layers.h"

#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <set>

#include "base/bounds.h"
#include "host/files.h"
#include "layers.h"
#include "listing.h"

using namespace banger;
using namespace banger::ext4;
using namespace banger::test;
using Catch::Matchers::Contains;

namespace {

/// The names in the image of these layers, without the root.
std::set<std::string> names(const std::vector<std::string>& layers) {
  TempDir dir;
  auto made = write_layers(layers, dir / "image");
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made.has_value());
  CHECK(complaints(dir / "image") == "");
  std::set<std::string> out;
  for (const auto& [path, line] : list_image(dir / "image"))
    if (path != ".") out.insert(path);
  return out;
}

using Names = std::set<std::string>;

/// The error for layers that must be refused. Also checks that no image is left.
Error refused(const std::vector<std::string>& layers, LayersOptions o = {.ext4 = options()}) {
  TempDir dir;
  auto made = write_layers(layers, dir / "image", o);
  REQUIRE(!made.has_value());
  CHECK(!std::filesystem::exists(dir / "image"));
  return made.error();
}

std::string zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}

std::string gzip(const std::string& bytes) {
  TempDir dir;
  spill(dir / "plain", bytes);
  REQUIRE(run("gzip " + dir / "plain").status == 0);
  return slurp(dir / "plain.gz");
}

std::string numbered(unsigned count, const std::string& content) {
  TarBytes tar;
  for (unsigned i = 0; i < count; ++i) tar.file(fmt::format("d{}/f{}", i / 1000, i), content);
  return tar.done();
}

}  // namespace

TEST_CASE("from_layers: no layers are an empty file system") { CHECK(names({}) == Names{}); }

TEST_CASE("from_layers: plain, gzip and zstd layers lie on each other") {
  std::string a = TarBytes().file("a").done(), b = TarBytes().file("b").done(), c = TarBytes().file("c").done();
  CHECK(names({a, gzip(b), zstd(c.substr(0, 700)) + zstd(c.substr(700))}) == Names{"a", "b", "c"});
  CHECK(names({gzip(a.substr(0, 512)) + gzip(a.substr(512))}) == Names{"a"});
}

TEST_CASE("from_layers: a whiteout removes only what lower layers made") {
  std::string lower = TarBytes().file("d/a").file("d/e/f").file("x").done();
  CHECK(names({lower, TarBytes().file("d/.wh.a").file(".wh.x").done()}) == Names{"d", "d/e", "d/e/f"});
  CHECK(names({lower, TarBytes().file("x").file(".wh.x").done()}).contains("x"));
  CHECK(names({lower, TarBytes().file("d/e/new").file(".wh.d").done()}) == Names{"d", "d/e", "d/e/new", "x"});
  CHECK(names({lower, TarBytes().file(".wh.d").file("d/e/new").done()}) == Names{"d", "d/e", "d/e/new", "x"});
  CHECK(names({lower, TarBytes().file(".wh..wh..opq").file("y").done()}) == Names{"y"});
  CHECK(names({lower, TarBytes().file("y").file(".wh..wh..opq").done()}) == Names{"y"});
  CHECK(names({TarBytes().file("a").file(".wh.a").done()}) == Names{"a"});
  CHECK(names({lower, TarBytes().file(".wh.d").done(), TarBytes().file("d/b").done()}) == Names{"d", "d/b", "x"});
}

TEST_CASE("from_layers: a whiteout removes a name, not the other names of the file") {
  std::string lower = TarBytes().file("a", "content").done();
  TempDir dir;
  REQUIRE(write_layers({lower, TarBytes().hard_link("b", "a").file(".wh.a").done()}, dir / "image").has_value());
  CHECK(read_file_in_image(dir / "image", "/b", 100).value() == "content");
  CHECK(list_image(dir / "image").size() == 2);
}

TEST_CASE("from_layers: whiteouts of nothing and leftovers of AUFS are no names") {
  CHECK(names({TarBytes().file(".wh.a").file("b/.wh.c").file(".wh..wh.plnk/1").file(".wh..wh.aufs").done()}) ==
        Names{});
  CHECK(names({TarBytes().file("f").done(), TarBytes().file("f/.wh.c").file("f/.wh..wh..opq").done()}) == Names{"f"});
}

TEST_CASE("from_layers: parents may be symlinks, which stay inside the root") {
  std::string lower = TarBytes().directory("usr/lib").symlink("lib", "usr/lib").symlink("out", "../../tmp").done();
  CHECK(names({lower, TarBytes().file("lib/a").file("out/b").done()}) ==
        Names{"usr", "usr/lib", "usr/lib/a", "lib", "out", "tmp", "tmp/b"});
}

TEST_CASE("from_layers: attributes of the layer's host are left out") {
  TempDir dir;
  Member file{.name = "a",
              .pax = {{"SCHILY.xattr.security.selinux", "x"},
                      {"SCHILY.xattr.trusted.overlay.opaque", "y"},
                      {"SCHILY.xattr.user.kept", "z"}}};
  REQUIRE(write_layers({TarBytes().add(file).done()}, dir / "image").has_value());
  CHECK_THAT(list_image(dir / "image")["a"], Contains("user.kept=7a") && !Contains("selinux") && !Contains("overlay"));
}

TEST_CASE("from_layers: entries that would leave the image are refused with their layer") {
  std::string sound = TarBytes().file("a").done();
  for (const std::string& bad :
       {TarBytes().file("../x").done(), TarBytes().file("a/../../x").done(), TarBytes().file("../.wh.x").done(),
        TarBytes().hard_link("x", "../a").done(), TarBytes().hard_link("x", "missing").done(),
        TarBytes().directory("d").hard_link("x", "d").done(), TarBytes().file("a/below").done(),
        TarBytes().symlink("l", "l").file("l/x").done(),
        TarBytes().symlink("l", "m").symlink("m", "l").file("m/x").done(), TarBytes().file(".wh...").done()}) {
    Error error = refused({sound, bad});
    CHECK(error.code == ErrorCode::invalid);
    CHECK_THAT(error.message, Contains("layer layer-1: ") && Contains("'"));
  }
  CHECK_THAT(refused({sound, TarBytes().symlink("l", "l").file("l/x").done()}).message,
             Contains("'l/x' goes through more than 40 symlinks"));
}

TEST_CASE("from_layers: a symlink to an overlong name is no parent") {
  Member link{.name = "l", .type = '2', .link = "x", .mode = 0777, .pax = {{"linkpath", std::string(256, 'x')}}};
  CHECK_THAT(refused({TarBytes().add(link).file("l/x").done()}).message,
             Contains("goes through a symlink to an overlong name"));
}

TEST_CASE("from_layers: symlinks that take endless steps are refused") {
  TarBytes tar;
  std::string dots;
  for (int i = 0; i < 2000; ++i) dots += "./";
  for (int i = 0; i < 40; ++i) {
    std::string target = dots + (i == 0 ? "." : fmt::format("l{}", i - 1));
    tar.add({.name = fmt::format("l{}", i), .type = '2', .link = "x", .mode = 0777, .pax = {{"linkpath", target}}});
  }
  for (int i = 0; i < 130; ++i) tar.file(fmt::format("l39/f{}", i), "");
  Error error = refused({tar.done()});
  CHECK(error.code == ErrorCode::exhausted);
  CHECK_THAT(error.message, Contains("too many symlinks"));
}

TEST_CASE("from_layers: layers that unpack to too much stop at the limit") {
  std::string big = TarBytes().file("zeros", std::string(8 << 20, '\0')).done();
  Error error = refused({zstd(big), zstd(big)}, {.ext4 = options(), .max_unpacked_bytes = 12 * limits::kMiB});
  CHECK(error.code == ErrorCode::exhausted);
  CHECK_THAT(error.message, Contains("layer layer-1: ") && Contains("the layers unpack to more than the limit of 12M"));
  TempDir dir;
  CHECK(
      write_layers({zstd(big), zstd(big)}, dir / "image", {.ext4 = options(), .max_unpacked_bytes = 17 * limits::kMiB})
          .has_value());
}

TEST_CASE("from_layers: the writing can be stopped") {
  std::atomic<bool> stop = true;
  auto o = options();
  o.stop = &stop;
  CHECK(refused({TarBytes().file("a", "content").done()}, {.ext4 = o}).code == ErrorCode::cancelled);
  CHECK(refused({TarBytes().file("empty").done()}, {.ext4 = o}).code == ErrorCode::cancelled);
}

TEST_CASE("from_layers: bytes behind the archive count as unpacked") {
  std::string padded = TarBytes().file("a").done() + std::string(8 << 20, '\0');
  CHECK(refused({zstd(padded)}, {.ext4 = options(), .max_unpacked_bytes = limits::kMiB}).code == ErrorCode::exhausted);
}

TEST_CASE("from_layers: bytes that do not match the diff_id are corrupt") {
  TempDir dir;
  std::string tar = TarBytes().file("a").done();
  auto write = [&](const std::string& diff_id) {
    auto fd = as_fd(gzip(tar));
    Layer layer{.fd = fd.get(), .digest = "sha256:abc", .diff_id = diff_id};
    return write_ext4_from_layers({&layer, 1}, dir / "image", {.ext4 = options()});
  };
  auto wrong = write("sha256:" + host::sha256_hex("other"));
  REQUIRE(!wrong.has_value());
  CHECK(wrong.error().code == ErrorCode::corrupt);
  CHECK_THAT(wrong.error().message, Contains("layer sha256:abc: ") && Contains(host::sha256_hex(tar)));
  CHECK(!std::filesystem::exists(dir / "image"));
  CHECK(write("sha256:" + host::sha256_hex(tar)).has_value());
}

TEST_CASE("from_layers: a layer without an end marker is complete if its diff_id says so") {
  TempDir dir;
  auto tar = TarBytes().file("a", "content").done().substr(0, 512 + 7);  // also without padding, as umoci writes it
  for (const auto& diff_id : {std::string(), "sha256:" + host::sha256_hex(tar)}) {
    auto fd = as_fd(gzip(tar));
    Layer layer{.fd = fd.get(), .digest = "sha256:abc", .diff_id = diff_id};
    auto written = write_ext4_from_layers({&layer, 1}, dir / "image", {.ext4 = options()});
    INFO((written ? "" : written.error().sentence()));
    CHECK(written.has_value() == !diff_id.empty());
  }
}

TEST_CASE("from_layers: damaged layers are corrupt, and the error names them") {
  std::string sound = TarBytes().file("a").done(), zipped = gzip(sound);
  for (const std::string& bad : {zipped.substr(0, zipped.size() - 3), zipped.substr(0, 20), sound.substr(0, 600),
                                 std::string("this is not an archive"), zstd(sound) + "rest"}) {
    Error error = refused({sound, bad, sound, sound, sound});
    CHECK(error.code == ErrorCode::corrupt);
    CHECK_THAT(error.message, Contains("layer layer-1: "));
  }
}

TEST_CASE("from_layers: many layers apply in order") {
  std::vector<std::string> layers;
  for (int i = 0; i < 100; ++i) layers.push_back(gzip(TarBytes().file("a", std::to_string(i)).done()));
  TempDir dir;
  REQUIRE(write_layers(layers, dir / "image").has_value());
  CHECK(read_file_in_image(dir / "image", "/a", 100).value() == "99");
}

TEST_CASE("from_layers: replaced content takes no room on the disk") {
  TempDir dir;
  std::string content(16 << 20, 'x'), small = "small";
  std::vector<std::string> layers(4, TarBytes().file("a", content).file("b", content).done());
  layers.push_back(TarBytes().file("a", small).file(".wh.b").done());
  REQUIRE(write_layers(layers, dir / "image").has_value());
  CHECK(host::disk_usage(dir / "image") < 2 * limits::kMiB);
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", "/a", 100).value() == small);
}

TEST_CASE("from_layers: a layer of 100,000 files is replaced in part") {
  TempDir dir;
  std::string lower = numbered(100'000, ""), upper = numbered(10'000, "three");
  auto made = write_layers({lower, upper, TarBytes().file("d7/.wh..wh..opq").done()}, dir / "image");
  REQUIRE(made.has_value());
  CHECK(made->entries == 100'000 + 100 - 1000);
  CHECK(complaints(dir / "image") == "");
  CHECK(read_file_in_image(dir / "image", "/d9/f9999", 100).value() == "three");
  CHECK(read_file_in_image(dir / "image", "/d99/f99999", 100).value() == "");
}

TEST_CASE("from_layers: a sparse file of more than 4 GiB keeps its holes") {
  TempDir dir;
  spill(dir / "sparse", "start");
  std::filesystem::resize_file(dir / "sparse", 5 * limits::kGiB);
  REQUIRE(run(fmt::format("tar -C {} -S -cf {} sparse", dir.path(), dir / "layer")).status == 0);
  REQUIRE(write_layers({gzip(slurp(dir / "layer"))}, dir / "image").has_value());
  CHECK(complaints(dir / "image") == "");
  CHECK(host::disk_usage(dir / "image") < 2 * limits::kMiB);
  CHECK_THAT(debugfs(dir / "image", "stat /sparse"), Contains("Size: 5368709120"));
}

TEST_CASE("from_layers: the same layers give the same bytes") {
  TempDir dir;
  std::vector<std::string> layers = {numbered(100, "one"), TarBytes().file(".wh.d0").file("x").done()};
  REQUIRE(write_layers(layers, dir / "one").has_value());
  REQUIRE(write_layers(layers, dir / "two").has_value());
  CHECK(host::sha256_file(dir / "one").value() == host::sha256_file(dir / "two").value());
}

TEST_CASE("from_layers: a name that is written again and again needs its disk space once") {
  TempDir dir;
  auto once = zstd(TarBytes().file("again", std::string(64 << 20, 'x')).unfinished());
  std::string frames;
  for (int i = 0; i < 12; ++i) frames += once;
  frames += zstd(TarBytes().done());
  std::uint64_t most = 0;
  auto fd = as_fd(frames);
  std::vector<Layer> layers{{.fd = fd.get(), .digest = "layer-0"}};
  auto made = write_ext4_from_layers(layers, dir / "image", {.ext4 = options()}, [&](std::uint64_t) {
    struct stat info{};
    if (::stat((dir / "image").c_str(), &info) == 0) most = std::max<std::uint64_t>(most, info.st_blocks * 512ull);
  });
  REQUIRE(made);
  CHECK(most > 0);
  CHECK(most < 400ull << 20);
  CHECK(complaints(dir / "image") == "");
}
