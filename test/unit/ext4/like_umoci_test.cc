// Compares what banger makes of layers with what umoci makes of them, entry by entry.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/json.h"
#include "fixture.h"
#include "host/files.h"
#include "layers.h"
#include "listing.h"

using namespace banger;
using namespace banger::test;

namespace {

/// Prints why and returns false when umoci cannot be compared with.
bool umoci_works(const std::string& test) {
  std::string why;
  if (::geteuid() != 0)
    why = "only root can unpack owners and devices";
  else if (run("umoci --version").status != 0)
    why = "umoci is not installed";
  if (!why.empty()) fmt::print("SKIPPED: {}: {}\n", test, why);
  return why.empty();
}

/// An image layout of the OCI with one image, tagged `latest`.
class Layout {
 public:
  explicit Layout(const std::string& directory, const std::vector<std::string>& layers) : directory_(directory) {
    std::filesystem::create_directories(directory + "/blobs/sha256");
    Json diff_ids = Json::array(), described = Json::array();
    for (const std::string& layer : layers) {
      diff_ids.push_back("sha256:" + host::sha256_hex(layer));
      described.push_back(blob("application/vnd.oci.image.layer.v1.tar", layer));
    }
    Json rootfs = {{"type", "layers"}, {"diff_ids", diff_ids}};
    Json config = {{"architecture", "amd64"}, {"os", "linux"}, {"config", Json::object()}, {"rootfs", rootfs}};
    Json manifest = {{"schemaVersion", 2},
                     {"config", blob("application/vnd.oci.image.config.v1+json", config.dump())},
                     {"layers", described}};
    Json tagged = blob("application/vnd.oci.image.manifest.v1+json", manifest.dump());
    tagged["annotations"] = {{"org.opencontainers.image.ref.name", "latest"}};
    spill(directory + "/index.json", Json{{"schemaVersion", 2}, {"manifests", Json::array({tagged})}}.dump());
    spill(directory + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  }

 private:
  Json blob(const std::string& type, const std::string& bytes) {
    std::string digest = host::sha256_hex(bytes);
    spill(directory_ + "/blobs/sha256/" + digest, bytes);
    return {{"mediaType", type}, {"digest", "sha256:" + digest}, {"size", bytes.size()}};
  }

  std::string directory_;
};

struct Both {
  std::string theirs, ours;  ///< errors; empty: it worked
  std::string difference;
};

Both unpack(const std::vector<std::string>& layers) {
  TempDir dir;
  Layout layout(dir / "layout", layers);
  Ran ran = run(fmt::format("umoci unpack --image {}:latest {}", dir / "layout", dir / "bundle"));
  auto made = write_layers(layers, dir / "image");
  Both both{.theirs = ran.status == 0 ? "" : ran.output, .ours = made ? "" : made.error().sentence()};
  if (!both.theirs.empty() || !both.ours.empty()) return both;
  CHECK(complaints(dir / "image") == "");
  both.difference = difference(list_directory(dir / "bundle/rootfs"), list_image(dir / "image"));
  return both;
}

void check_alike(const std::vector<std::string>& layers) {
  Both both = unpack(layers);
  CHECK(both.theirs == "");
  CHECK(both.ours == "");
  CHECK(both.difference == "");
}

}  // namespace

TEST_CASE("like umoci: whiteouts remove what lower layers made") {
  if (!umoci_works("like umoci: whiteouts remove what lower layers made")) return;
  std::string lower =
      TarBytes().directory("d").file("d/a").directory("d/e").file("d/e/f").file("d/e/g").file("x").done();
  check_alike({lower, TarBytes().file(".wh.x").file("d/.wh.a").file("d/.wh.missing").file("no/.wh.where").done()});
  check_alike({lower, TarBytes().file("d/new").file("d/e/new").file("d/.wh..wh..opq").file("d/late").done()});
  check_alike({lower, TarBytes().file("d/.wh..wh..opq").file("d/e/new").done()});
  check_alike({lower, TarBytes().file(".wh.d").file("d/e/new").done()});
  check_alike({lower, TarBytes().file("d/e/new").file(".wh.d").done()});
  check_alike({lower, TarBytes().file("d/e/g", "new").file("d/.wh.e").file("x", "new").file(".wh.x").done()});
  check_alike({lower, TarBytes().file(".wh..wh..opq").file("only").done()});
  check_alike({lower, TarBytes().file(".wh.d").done(), TarBytes().file("d/e/again").done()});
}

TEST_CASE("like umoci: hard links cross layers") {
  if (!umoci_works("like umoci: hard links cross layers")) return;
  std::string lower = TarBytes().directory("d").file("d/a", "one").hard_link("d/b", "d/a").symlink("s", "d").done();
  check_alike({lower, TarBytes().hard_link("new/deep/c", "d/a").hard_link("e", "/d/b").hard_link("f", "s/a").done()});
  check_alike({lower, TarBytes().hard_link("c", "d/a").file("d/.wh.a").done()});
  check_alike({lower, TarBytes().file("d/.wh.a").file("d/.wh.b").hard_link("c", "s").done()});
  check_alike({lower, TarBytes().file("d/a", "two").hard_link("c", "d/a").done()});
  check_alike({lower, TarBytes().hard_link("c", "d/a").file("d/a", "two").done()});
  check_alike(
      {lower, TarBytes().add({.name = "c", .type = '1', .link = "d/a", .mode = 0600, .uid = 7, .mtime = 5}).done()});
}

TEST_CASE("like umoci: entries replace each other whatever their kinds") {
  if (!umoci_works("like umoci: entries replace each other whatever their kinds")) return;
  std::vector<Member> kinds = {{.name = "x", .content = "file"},
                               {.name = "x", .type = '5', .mode = 0711, .uid = 5},
                               {.name = "x", .type = '2', .link = "other", .mode = 0777},
                               {.name = "x", .type = '1', .link = "other/inside"},
                               {.name = "x", .type = '6', .mode = 0600},
                               {.name = "x", .type = '3', .mode = 0600, .device_major = 1, .device_minor = 3}};
  std::string base = TarBytes().directory("other").file("other/inside", "in").done();
  for (const Member& lower : kinds)
    for (const Member& upper : kinds) {
      CAPTURE(lower.type, upper.type);
      TarBytes below, above, same;
      below.add(lower);
      same.add(lower);
      if (lower.type == '5') below.file("x/kept"), same.file("x/kept");
      check_alike({base, below.done(), above.add(upper).done()});
      check_alike({base, same.add(upper).done()});
    }
}

TEST_CASE("like umoci: parents that are symlinks stay inside the root") {
  if (!umoci_works("like umoci: parents that are symlinks stay inside the root")) return;
  std::string lower = TarBytes()
                          .directory("usr")
                          .directory("usr/lib")
                          .file("usr/lib/old")
                          .symlink("lib", "usr/lib")
                          .symlink("absolute", "/usr/lib")
                          .symlink("above", "../../../usr/./lib//")
                          .symlink("twice", "lib")
                          .symlink("nowhere", "not/there")
                          .symlink("usr/up", "..")
                          .symlink("top", "/")
                          .done();
  for (const char* parent : {"lib", "absolute", "above", "twice", "nowhere", "usr/up", "top", "top/usr/up/twice"}) {
    CAPTURE(parent);
    std::string at = std::string(parent) + "/";
    check_alike({lower, TarBytes().file(at + "new").file(at + "deep/new").directory(at + "made", 0700).done()});
    check_alike({lower, TarBytes().file(at + ".wh.old").file(at + "new").done()});
    check_alike({lower, TarBytes().file(at + "new").file(at + ".wh..wh..opq").done()});
  }
  check_alike({lower, TarBytes().directory("lib").file("lib/new").done()});
  check_alike({lower, TarBytes().file("/abs").file("./dot/./x").file("//usr//lib///y").done()});
}

TEST_CASE("like umoci: owners, times, attributes and names arrive as they are") {
  if (!umoci_works("like umoci: owners, times, attributes and names arrive as they are")) return;
  std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20), name(200, 'n');
  std::string lower =
      TarBytes()
          .add({.name = "./", .type = '5', .mode = 0751, .uid = 3})
          .add({.name = "tool", .mode = 04755, .pax = {{"SCHILY.xattr.security.capability", capability}}})
          .add({.name = "d", .type = '5', .mode = 03777, .uid = 100'000, .pax = {{"SCHILY.xattr.user.a", "1"}}})
          .add(
              {.name = "big", .pax = {{"uid", "4000000000"}, {"gid", "3000000000"}, {"mtime", "1700000000.123456789"}}})
          .add({.name = "old", .pax = {{"mtime", "-100"}}})
          .add({.name = "long", .pax = {{"path", name + "/" + name + "/" + name}}})
          .add({.name = "utf8", .pax = {{"path", "gr\xc3\xbc\xc3\x9f/\xe6\x96\x87"}}})
          .file("latin\xe9")
          .add({.name = "disk", .type = '4', .mode = 0660, .gid = 6, .device_major = 259, .device_minor = 70'000})
          .add({.name = "link",
                .type = '2',
                .link = "x",
                .mode = 0777,
                .uid = 9,
                .pax = {{"linkpath", name + "/" + name}}})
          .done();
  check_alike({lower});
  check_alike({lower, TarBytes().directory("d", 0700).file("tool", "plain").done()});
  check_alike({lower, TarBytes().add({.name = "d", .type = '5', .pax = {{"SCHILY.xattr.user.b", "2"}}}).done()});
}

TEST_CASE("like umoci: archives of GNU tar arrive whole") {
  if (!umoci_works("like umoci: archives of GNU tar arrive whole")) return;
  TempDir dir;
  std::string tree = dir / "tree", deep = tree + "/" + std::string(150, 'd') + "/" + std::string(150, 'e');
  std::filesystem::create_directories(deep);
  spill(deep + "/file", std::string(10'000, 'x'));
  spill(tree + "/sparse", "start");
  std::filesystem::resize_file(tree + "/sparse", 3 << 20);
  // umoci refuses GNU's own format of sparse files.
  for (const char* format : {"gnu", "pax -S", "posix -S --sparse-version=0.0", "posix -S --sparse-version=0.1"}) {
    CAPTURE(format);
    REQUIRE(run(fmt::format("tar -C {} --format={} -cf {}/layer .", tree, format, dir.path())).status == 0);
    check_alike({slurp(dir / "layer")});
  }
}

TEST_CASE("like umoci: random layers become the same tree") {
  if (!umoci_works("like umoci: random layers become the same tree")) return;
  unsigned from = 1, to = 40, same = 0;  // thousands find more: BANGER_SEEDS=1-2000
  if (const char* range = ::getenv("BANGER_SEEDS")) std::sscanf(range, "%u-%u", &from, &to);
  for (unsigned seed = from; seed <= to; ++seed) {
    Both both = unpack(random_layers(seed));
    CAPTURE(seed, layers_text(seed), both.theirs, both.ours);
    CHECK(both.difference == "");
    if (both.ours.empty() && both.theirs.empty()) ++same;
    // umoci removes a file that is linked to itself, and then misses it. Here the file stays.
    if (both.ours.empty() && both.theirs.find("link: no such file") != std::string::npos) continue;
    CHECK(both.theirs.empty() == both.ours.empty());
  }
  CHECK(same > (to - from) / 3);
}
