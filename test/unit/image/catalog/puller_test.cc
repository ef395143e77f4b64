// Pulls by a catalog: bundles from files and from a server in memory, into stores on disk.
#include "image/catalog/puller.h"

#include <fmt/format.h>

#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "image/catalog/bundle.h"
#include "image/kernel/samples.h"
#include "image/oci/fake_registry.h"

using namespace banger;
using namespace banger::image;
using namespace banger::image::catalog;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

struct Fixture {
  samples::TempDir dir;
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  test::FakeRegistry server;
  ImageStore images{runtime, dir / "images", dir / "cache", kPath},
      origin{runtime, dir / "origin", dir / "cache", kPath};
  KernelStore kernels{runtime, dir / "kernels", dir / "cache", kPath};
  KernelStore kernel_origin{runtime, dir / "kernel-origin", dir / "cache", kPath};
  oci::Puller registries{
      runtime,       images,
      server,        {.env = [](const std::string&) { return std::nullopt; }, .home = dir / "home", .environment = {}},
      dir / "cache", {}};
  host::Mutex building{runtime}, pulling{runtime};
  CatalogPuller puller{{.runtime = runtime,
                        .images = images,
                        .kernels = kernels,
                        .registries = registries,
                        .transport = server,
                        .building_image = building,
                        .pulling_kernel = pulling},
                       dir / "cache",
                       {.catalog = dir / "list/catalog.json", .home = dir.path()}};
  std::vector<std::string> warnings;

  StageProgress progress() {
    return [this](std::string_view stage, std::string_view detail, int) {
      if (stage == kWarningStage) warnings.emplace_back(detail);
    };
  }
  static void quiet(std::string_view, std::string_view, int) {}

  template <class Content>
  std::string packed(const Content& content) {
    auto path = dir / "packed";
    auto file = host::open_file(path, O_CREAT | O_TRUNC | O_WRONLY);
    REQUIRE(file);
    REQUIRE(write_bundle(content, file->get()));
    return *host::read_file(path, 64 << 20);
  }
  /// The bytes of a bundle of an image with this host name.
  std::string image_bundle(const std::string& hostname) {
    samples::write(dir / "rootfs.tar", samples::tar({{"etc/hostname", hostname}}));
    auto made = test::run(runtime, origin.import_tar("o" + hostname, dir / "rootfs.tar", "k", {}, quiet, cancel));
    REQUIRE(made);
    return packed(bundle_of(*made).value());
  }
  std::string kernel_bundle() {
    samples::write(dir / "vmlinux", samples::vmlinux());
    auto made = test::run(runtime, kernel_origin.import("any", dir / "vmlinux", {}, {}, quiet, cancel));
    REQUIRE(made);
    return packed(bundle_of(*made).value());
  }
  static std::string source(const std::string& location, const std::string& bytes) {
    return fmt::format(R"({{"from": "bundle", "location": "{}", "size": {}, "sha256": "{}"}})", location, bytes.size(),
                       host::sha256_hex(bytes));
  }
  void list(const std::string& kind, const std::string& sources) {
    dir.put("list/catalog.json",
            fmt::format(R"({{"version": 1, "entries": [{{"kind": "{}", "name": "app", "description": "an app",)"
                        R"( "sources": [{}]}}]}})",
                        kind, sources));
  }
  Result<std::optional<oci::PullResult>> pull(Enough enough = Enough::current, std::string name = "app") {
    return test::run(runtime, puller.pull_image(std::move(name), enough, progress(), cancel));
  }
  /// The id of the image, and whether it was here.
  std::pair<std::string, bool> pulled(Enough enough = Enough::current) {
    auto result = pull(enough);
    INFO((result ? "" : result.error().sentence()));
    REQUIRE(result);
    REQUIRE(*result);
    CHECK((*result)->image.name == "app");
    return {(*result)->image.id, (*result)->already};
  }
  std::string error() {
    auto result = pull();
    return result ? "" : result.error().sentence();
  }
  std::size_t cached() const {
    std::error_code error;
    std::filesystem::directory_iterator at(dir / "cache/blobs/sha256", error), end;
    return error ? 0 : static_cast<std::size_t>(std::distance(at, end));
  }
};

}  // namespace

TEST_CASE("catalog pull: a bundle beside the catalog becomes an image of the entry's name") {
  Fixture f;
  auto bytes = f.image_bundle("one");
  f.dir.put("list/app.tar.zst", bytes);
  f.list("image", Fixture::source("app.tar.zst", bytes));
  auto [id, already] = f.pulled();
  CHECK_FALSE(already);
  CHECK(f.images.get("app")->source == "catalog:" + host::sha256_hex(bytes).substr(0, 12));
  CHECK(f.cached() == 0);
  CHECK(f.pulled() == std::pair(id, true));
}

TEST_CASE("catalog pull: a file that was in the cache stays there, because it may be the layer of an image") {
  Fixture f;
  auto bytes = f.image_bundle("one");
  f.dir.put("cache/blobs/sha256/" + host::sha256_hex(bytes), bytes);
  f.list("image", Fixture::source("app.tar.zst", bytes));
  f.pulled();
  CHECK(f.cached() == 1);
}

TEST_CASE("catalog pull: a new bundle of the entry replaces the older image's name, and any image is enough for a VM") {
  Fixture f;
  auto bytes = f.image_bundle("one"), newer = f.image_bundle("two");
  f.dir.put("list/1", bytes);
  f.dir.put("list/2", newer);
  f.list("image", Fixture::source("1", bytes));
  auto first = f.pulled().first;
  f.list("image", Fixture::source("2", newer));
  CHECK(f.pulled(Enough::any) == std::pair(first, true));
  auto second = f.pulled().first;
  CHECK(second != first);
  CHECK(f.images.get(first)->name.empty());
  CHECK(f.pulled(Enough::never).first != second);
}

TEST_CASE("catalog pull: a source that fails is told, and the next one is used") {
  Fixture f;
  auto bytes = f.image_bundle("one");
  f.dir.put("list/app.tar.zst", bytes);
  f.server.put("GET https://a.test/", 404);
  f.list("image", Fixture::source("https://a.test/app.tar.zst", bytes) + "," + Fixture::source("app.tar.zst", bytes));
  f.pulled();
  REQUIRE(f.warnings.size() == 1);
  CHECK_THAT(f.warnings[0], Contains("bundle https://a.test/app.tar.zst does not work: ") && Contains("404") &&
                                Contains("next is bundle app.tar.zst"));
}

TEST_CASE("catalog pull: a broken download goes on where it ended") {
  Fixture f;
  auto bytes = f.image_bundle("one");
  const std::string url = "https://a.test/app.tar.zst";
  f.server.put("GET " + url, 200, bytes);
  f.server.breaks["GET " + url] = {bytes.size() / 2, 503};
  f.list("image", Fixture::source(url, bytes));
  CHECK_THAT(f.error(), Contains("503"));
  CHECK(f.cached() == 1);
  f.pulled();
  REQUIRE(f.server.offsets.size() == 2);
  CHECK(f.server.offsets[1] >= bytes.size() / 2);
  CHECK(f.cached() == 0);
}

TEST_CASE("catalog pull: an altered bundle is refused, wherever it is") {
  Fixture f;
  auto bytes = f.image_bundle("one");
  auto altered = bytes;
  altered[altered.size() / 2] ^= 1;
  const std::string url = "https://a.test/app.tar.zst";
  f.server.put("GET " + url, 200, altered);
  f.list("image", Fixture::source(url, bytes));
  CHECK_THAT(f.error(), Contains("does not match its digest"));
  f.dir.put("list/app.tar.zst", altered);
  f.list("image", Fixture::source("app.tar.zst", bytes));
  CHECK_THAT(f.error(), Contains("does not match its digest"));
  f.dir.put("list/app.tar.zst", bytes + "x");
  CHECK_THAT(f.error(), Contains("and the catalog says"));
  CHECK(f.images.list()->empty());
  CHECK(f.images.leftovers().empty());
  CHECK(f.cached() == 0);
}

TEST_CASE("catalog pull: a bundle that holds something else is refused") {
  Fixture f;
  auto bytes = f.kernel_bundle();
  f.dir.put("list/k", bytes);
  f.list("image", Fixture::source("k", bytes));
  CHECK_THAT(f.error(), Contains("holds the kernel 'any'"));
  CHECK(f.cached() == 0);
}

TEST_CASE("catalog pull: packages that do not exist are an error with the names of those that do") {
  Fixture f;
  f.list("image", R"({"from": "packages"})");
  CHECK_THAT(f.error(), Contains("no recipe builds an image 'app'"));
}

TEST_CASE("catalog pull: a name that is not listed, or no plain name, is not the catalog's") {
  Fixture f;
  f.list("kernel", R"({"from": "packages"})");
  for (const auto* name : {"app", "other"}) {
    auto result = f.pull(Enough::current, name);
    REQUIRE(result);
    CHECK_FALSE(*result);
  }
  std::filesystem::remove(f.dir / "list/catalog.json");
  CHECK_THAT(f.error(), Contains("there is no catalog at"));
  auto reference = f.pull(Enough::current, "a.test/app:1");
  REQUIRE(reference);
  CHECK_FALSE(*reference);
}

TEST_CASE("catalog pull: a kernel comes from a bundle, and is replaced by a newer one") {
  Fixture f;
  auto bytes = f.kernel_bundle();
  f.dir.put("list/k", bytes);
  f.list("kernel", R"({"from": "packages"},)" + Fixture::source("k", bytes));
  for (auto enough : {Enough::current, Enough::current, Enough::never}) {
    auto kernel = test::run(f.runtime, f.puller.pull_kernel("app", enough, f.progress(), f.cancel));
    REQUIRE(kernel);
    REQUIRE(*kernel);
    CHECK((*kernel)->name == "app");
    CHECK((*kernel)->release == "6.1.0-test");
  }
  REQUIRE(f.warnings.size() == 2);  // the second pull found the kernel of the first one
  CHECK_THAT(f.warnings[0], Contains("packages does not work") && Contains("no kernel 'app' can be pulled"));
  CHECK(f.kernels.list()->size() == 1);
}
