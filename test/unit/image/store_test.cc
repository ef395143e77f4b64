// The store of images: from a tar file or a recipe to a directory that is complete or absent, and its manifest.
#include "image/store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catch.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/complete.h"
#include "image/init.h"
#include "image/kernel/samples.h"
#include "support/image_file.h"

using namespace banger;
using namespace samples;
using image::ImageStore;

namespace {

void no_progress(std::string_view, std::string_view, int) {}

struct Fixture {
  TempDir dir;
  host::Runtime runtime;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  ImageStore store{runtime, dir / "images", dir / "cache", path};
  host::Cancel cancel{runtime};

  Result<image::Image> import(const std::string& name, const std::vector<Entry>& entries = {{"etc/hostname", "x"}},
                              Pack pack = Pack::zstd) {
    write(dir / "rootfs.tar", tar(entries, pack));
    return run(runtime, store.import_tar(name, dir / "rootfs.tar", "debian-cloud", {}, no_progress, cancel));
  }
  std::string init_of(const std::vector<Entry>& entries) {
    std::filesystem::remove(dir / "init.ext4");
    write(dir / "init.tar", tar(entries));
    auto fd = host::open_file(dir / "init.tar", O_RDONLY);
    REQUIRE(ext4::write_ext4_from_tar(fd->get(), dir / "init.ext4", {.spare_bytes = 1 << 20, .journal = false}));
    auto init = image::detect_init(dir / "init.ext4");
    return init ? std::string(to_string(*init)) : init.error().message;
  }
};

std::string quoted(const Result<image::Image>& image) { return image ? "" : image.error().sentence(); }

}  // namespace

TEST_CASE("image: a tar becomes an image with a work seed of its /root") {
  Fixture f;
  auto made = f.import(
      "mine",
      {{"root", "", AE_IFDIR}, {"root/.bashrc", "PS1=x"}, {"etc/os-release", "ID=test"}, {"sbin", "", AE_IFDIR}});
  INFO(quoted(made));
  REQUIRE(made);
  CHECK(made->id.size() == 12);
  CHECK(made->source == "import");
  CHECK(made->kernel == "debian-cloud");
  CHECK(made->init == guest::InitKind::none);
  CHECK(made->rootfs_bytes == std::filesystem::file_size(made->rootfs));
  CHECK(made->sha256 == *host::sha256_file(made->rootfs));
  CHECK(*test::read_file_in_image(made->rootfs, "/etc/os-release", 100) == "ID=test");
  CHECK(*test::read_file_in_image(made->work_seed, "/.bashrc", 100) == "PS1=x");
  CHECK(ext4::check_ext4(made->rootfs));
  CHECK(ext4::check_ext4(made->work_seed));

  for (const std::string& name : {std::string("mine"), made->id, made->id.substr(0, 6)}) {
    auto found = f.store.get(name);
    REQUIRE(found);
    CHECK(*found == *made);
  }
  CHECK(f.store.leftovers().empty());
  CHECK(run(f.runtime, f.store.remove(made->id)));
  CHECK(f.store.list()->empty());
  CHECK(std::filesystem::is_empty(f.dir / "images"));
}

TEST_CASE("image: one without /root gets an empty work seed") {
  Fixture f;
  auto made = f.import("mine");
  INFO(quoted(made));
  REQUIRE(made);
  CHECK(ext4::check_ext4(made->work_seed));
}

TEST_CASE("image: the work seed is as large as a large /root needs") {
  Fixture f;
  CHECK(std::filesystem::file_size(f.import("small")->work_seed) == limits::kSeedBytes);
  std::string big(250 * limits::kMiB, 'b');
  auto made = f.import("big", {{"root", "", AE_IFDIR}, {"root/big", big}});
  INFO(quoted(made));
  REQUIRE(made);
  CHECK(std::filesystem::file_size(made->work_seed) > big.size() + limits::kSeedSpareBytes);
  CHECK(host::disk_usage(made->work_seed) < big.size() + 8 * limits::kMiB);
  CHECK(ext4::check_ext4(made->work_seed));
  CHECK((*test::read_file_in_image(made->work_seed, "/big", big.size()) == big));
}

TEST_CASE("image: its configuration is kept in the manifest") {
  Fixture f;
  write(f.dir / "rootfs.tar", tar({{"etc/hostname", "x"}}));
  image::RunConfig config{.env = {"A=1"}, .cmd = {"serve"}, .user = "app"};
  auto made =
      run(f.runtime, f.store.import_tar("app", f.dir / "rootfs.tar", "debian-cloud", config, no_progress, f.cancel));
  REQUIRE(made);
  CHECK(made->run_config == config);
  CHECK(f.store.get("app")->run_config == config);

  auto path = f.dir / ("images/" + made->id + "/manifest.json");
  auto manifest = Json::parse(*host::read_file(path, 10'000));
  manifest["config"]["Cmd"] = "serve";
  write(path, manifest.dump());
  auto damaged = f.store.get(made->id);
  REQUIRE(!damaged);
  CHECK(damaged.error().code == ErrorCode::corrupt);
  CHECK(damaged.error().message.find("field 'config': field 'Cmd'") != std::string::npos);
  manifest.erase("config");  // as older versions wrote manifests
  write(path, manifest.dump());
  CHECK(f.store.get("app")->run_config.empty());
}

TEST_CASE("image: several names, which move to other images") {
  Fixture f;
  auto first = f.import("first"), second = f.import("second");
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(f.store.tag("first", "host:5000/app"));
  CHECK(f.store.get("host:5000/app:latest")->id == first->id);
  CHECK(f.store.get("host:5000/app")->id == first->id);
  CHECK(f.store.name_meant(*f.store.get("first"), "host:5000/app") == "host:5000/app:latest");
  CHECK_FALSE(f.store.name_meant(*f.store.get("first"), first->id));

  auto moved = f.store.tag("second", "host:5000/app");
  REQUIRE(moved);
  CHECK(moved->name == "second");
  CHECK(moved->other_names == std::vector<std::string>{"host:5000/app:latest"});
  CHECK(f.store.get("host:5000/app")->id == second->id);
  CHECK(f.store.get("first")->other_names.empty());
  CHECK(f.store.tag("second", "Bad").error().code == ErrorCode::invalid);
  CHECK(f.store.tag("none", "good").error().code == ErrorCode::not_found);

  auto last = f.store.tag("second", "first");
  REQUIRE_FALSE(last);
  CHECK(last.error().code == ErrorCode::exists);
  CHECK(last.error().hint.contains(fmt::format("banger image tag {} NAME", first->id)));
  CHECK(f.store.get("first")->id == first->id);
  CHECK(f.store.tag("second", first->id).error().code == ErrorCode::exists);

  REQUIRE(f.store.remove_name(*moved, "second"));
  CHECK(f.store.get("second").error().code == ErrorCode::not_found);
  CHECK(f.store.get(second->id)->name == "host:5000/app:latest");
}

TEST_CASE("image: a taken or invalid name or a missing file is refused and leaves nothing") {
  Fixture f;
  REQUIRE(f.import("mine"));
  CHECK(f.import("mine").error().code == ErrorCode::exists);
  REQUIRE(f.store.tag("mine", "second"));
  CHECK(f.import("second").error().code == ErrorCode::exists);
  CHECK(f.import("../mine").error().code == ErrorCode::invalid);
  CHECK(
      run(f.runtime, f.store.import_tar("other", f.dir / "missing.tar", "", {}, no_progress, f.cancel)).error().code ==
      ErrorCode::not_found);
  write(f.dir / "broken.tar", "this is no tar");
  auto broken = run(f.runtime, f.store.import_tar("other", f.dir / "broken.tar", "", {}, no_progress, f.cancel));
  REQUIRE(!broken);
  CHECK(broken.error().message == "import image 'other': " + (f.dir / "broken.tar") +
                                      ": this is no tar archive: the first bytes are those of another kind of file");
  CHECK(broken.error().hint.find("tar cf") != std::string::npos);
  auto directory = run(f.runtime, f.store.import_tar("other", f.dir.path(), "", {}, no_progress, f.cancel));
  REQUIRE(!directory);
  CHECK(directory.error().message.ends_with("is a directory, not a file"));
  REQUIRE(::mkfifo((f.dir / "fifo").c_str(), 0600) == 0);
  auto fifo = run(f.runtime, f.store.import_tar("other", f.dir / "fifo", "", {}, no_progress, f.cancel));
  REQUIRE(!fifo);
  CHECK(fifo.error().message.ends_with("is not a regular file"));
  CHECK(!f.import("other", {{"../escape", "x"}}));
  CHECK(f.store.list()->size() == 1);
  CHECK(f.store.leftovers().empty());
}

TEST_CASE("image: the init is found through the symlinks of a merged /usr") {
  Fixture f;
  std::vector<Entry> merged = {{"usr/sbin", "", AE_IFDIR},       program("usr/bin/busybox"),
                               {"usr/lib/dinit", "", AE_IFDIR},  {"sbin", "", AE_IFLNK, "usr/sbin"},
                               {"bin", "", AE_IFLNK, "usr/bin"}, {"lib", "", AE_IFLNK, "usr/lib"}};
  auto with = [&](std::vector<Entry> more) {
    auto all = merged;
    all.insert(all.end(), more.begin(), more.end());
    return f.init_of(all);
  };
  CHECK(with({}) == "none");
  CHECK(with({program("usr/lib/systemd/systemd")}) == "systemd");
  for (const char* target : {"/lib/systemd/systemd", "../lib/systemd/systemd"})
    CHECK(with({program("usr/lib/systemd/systemd"), {"usr/sbin/init", "", AE_IFLNK, target}}) == "systemd");
  Entry busybox{"usr/sbin/init", "", AE_IFLNK, "/bin/busybox"};
  CHECK(with({busybox}) == "none");
  CHECK(with({busybox, {"etc/inittab", "::respawn:/bin/sh\n"}}) == "busybox");
  CHECK(with({program("usr/sbin/init")}) == "other");
  CHECK(with({{"usr/sbin/init", "not executable"}}) == "none");
  CHECK(with({{"usr/sbin/init", "", AE_IFLNK, "init"}}) == "none");
}

TEST_CASE("image: an unknown name gives the nearest name and the recipes") {
  Fixture f;
  auto unknown = f.store.get("debian-bookwrm");
  REQUIRE(!unknown);
  CHECK(unknown.error().code == ErrorCode::not_found);
  CHECK(unknown.error().hint.find("did you mean 'debian-bookworm'") != std::string::npos);
  CHECK(f.store.get("debian-bookworm").error().hint == "banger image build debian-bookworm");
  auto built = run(f.runtime, f.store.build("nope", no_progress, f.cancel));
  CHECK(built.error().code == ErrorCode::not_found);
}

TEST_CASE("image: a damaged one is corrupt and does not disturb the list") {
  Fixture f;
  auto made = f.import("mine");
  REQUIRE(made);
  write(f.dir / "images/bad/manifest.json", "{");
  CHECK(f.store.list()->size() == 1);
  CHECK(f.store.get("bad").error().code == ErrorCode::corrupt);
  CHECK(f.store.get("bad").error().hint.find("image delete bad") != std::string::npos);
  REQUIRE(::truncate(made->rootfs.c_str(), 4096) == 0);
  auto cut = f.store.get(made->id);
  REQUIRE(!cut);
  CHECK(cut.error().message.find("4096 bytes instead of") != std::string::npos);
  CHECK(run(f.runtime, f.store.remove("bad")));
  CHECK(run(f.runtime, f.store.remove("../images")).error().code == ErrorCode::invalid);
}

TEST_CASE("image: of two with one name, as a crash may leave them, the newer has it") {
  Fixture f;
  auto old = f.import("mine");
  REQUIRE(old);
  std::filesystem::copy(f.dir / ("images/" + old->id), f.dir / "images/zzzzzzzzzzzz");
  auto manifest = Json::parse(*host::read_file(f.dir / "images/zzzzzzzzzzzz/manifest.json", 10'000));
  manifest["created_at"] = old->created_at + 5;
  write(f.dir / "images/zzzzzzzzzzzz/manifest.json", manifest.dump());
  CHECK(f.store.get("mine")->id == "zzzzzzzzzzzz");
  CHECK(f.store.get(old->id)->name.empty());
  CHECK(f.store.list()->back().id == old->id);
}

TEST_CASE("image: an incomplete directory is a leftover, unless a process fills it") {
  Fixture f;
  std::filesystem::create_directories(f.dir / "images/.abc.partial-00112233");
  CHECK(f.store.leftovers() == std::vector<std::string>{f.dir / "images/.abc.partial-00112233"});
  CHECK(f.store.list()->empty());
}

TEST_CASE("image: a host without mmdebstrap gets a hint what to install") {
  Fixture f;
  ImageStore bare(f.runtime, f.dir / "images", f.dir / "cache", f.dir / "no-programs");
  auto built = run(f.runtime, bare.build("debian-bookworm", no_progress, f.cancel));
  REQUIRE(!built);
  CHECK(built.error().code == ErrorCode::unavailable);
  CHECK(built.error().hint.find("mmdebstrap") != std::string::npos);
}

namespace {

/// A fake mmdebstrap, as a script; the rest of PATH is real.
struct ScriptedBuild : Fixture {
  Result<image::Image> build(const std::string& script) {
    write(dir / "bin/mmdebstrap", "#!/bin/sh\n" + script);
    std::filesystem::permissions(dir / "bin/mmdebstrap", std::filesystem::perms::owner_all);
    ImageStore scripted(runtime, dir / "images", dir / "cache", dir.path() + "/bin:" + path);
    return run(runtime,
               scripted.build(
                   "debian-bookworm",
                   [&](auto stage, auto detail, int) { said += std::string(stage) + ":" + std::string(detail) + "\n"; },
                   cancel));
  }
  std::string said;
};

}  // namespace

TEST_CASE("image: building a name again moves it to the new image") {
  ScriptedBuild f;
  write(f.dir / "rootfs.tar", tar({{"root", "", AE_IFDIR}, {"etc/x", "1"}}));
  auto first = f.build("cat > /dev/null; exec cat " + f.dir.path() + "/rootfs.tar\n");
  INFO(quoted(first));
  REQUIRE(first);
  auto second = f.build("exec cat " + f.dir.path() + "/rootfs.tar\n");
  REQUIRE(second);
  CHECK(first->id != second->id);
  CHECK(f.store.get("debian-bookworm")->id == second->id);
  CHECK(f.store.get(first->id)->name.empty());
  CHECK(first->sha256 == second->sha256);  // the same tree gives the same bytes
}

TEST_CASE("image: a failed build reports mmdebstrap's error and leaves nothing") {
  ScriptedBuild f;
  auto built = f.build("echo 'I: downloading' >&2; echo 'E: no such suite' >&2; exit 1\n");
  REQUIRE(!built);
  CHECK(built.error().message.find("no such suite") != std::string::npos);
  CHECK(f.store.leftovers().empty());
  CHECK(f.store.list()->empty());
  // Half a tar and a zero exit do not make an image either.
  write(f.dir / "rootfs.tar", tar({{"etc/x", std::string(100'000, 'x')}}));
  CHECK(!f.build("head -c 50000 " + f.dir.path() + "/rootfs.tar\n"));
  CHECK(f.store.list()->empty());
}

TEST_CASE("image: a cancelled build ends, children included, and leaves nothing") {
  ScriptedBuild f;
  auto cancel_soon = [](host::Runtime& runtime, host::Cancel& cancel, std::string started) -> Task<> {
    while (!std::filesystem::exists(started)) co_await runtime.sleep_for(std::chrono::milliseconds(10));
    cancel.request();
  };
  f.runtime.spawn(cancel_soon(f.runtime, f.cancel, f.dir / "started"));
  // A child that holds the pipe open, as mmdebstrap's do.
  auto built = f.build("sleep 600 & echo $! > " + f.dir.path() + "/child; echo > " + f.dir.path() + "/started; wait\n");
  REQUIRE(!built);
  CHECK(built.error().code == ErrorCode::cancelled);
  CHECK(f.store.leftovers().empty());
  std::string child = *host::read_file(f.dir / "child", 100);
  auto stat = host::read_file("/proc/" + child.substr(0, child.size() - 1) + "/stat", 10'000);
  CHECK((!stat || stat->find(") Z ") != std::string::npos));
}

// Needs the network, a Debian host and some minutes: unit_image '[.slow]'. BANGER_TEST_KEEP=DIR keeps the store there,
// BANGER_TEST_RECIPE names another recipe.
TEST_CASE("image: debian-bookworm is built as this user", "[.slow]") {
  Fixture f;
  const char* keep = ::getenv("BANGER_TEST_KEEP");
  const char* recipe = ::getenv("BANGER_TEST_RECIPE");
  ImageStore store(f.runtime, (keep ? keep : f.dir.path()) + std::string("/images"),
                   (keep ? keep : f.dir.path()) + std::string("/cache"), f.path);
  std::string last;
  auto progress = [&](std::string_view stage, std::string_view detail, int) {
    std::string line = std::string(stage) + " " + std::string(stage == "write" ? "" : detail);
    if (line != last) puts(line.c_str());
    last = line;
  };
  auto built = run(f.runtime, store.build(recipe ? recipe : "debian-bookworm", progress, f.cancel));
  if (!built) FAIL(built.error().sentence());
  WARN(built->source << ", " << built->rootfs_bytes << " bytes");
  CHECK(built->init == guest::InitKind::systemd);
  CHECK(test::read_file_in_image(built->rootfs, "/etc/machine-id", 100)->empty());
  CHECK(test::read_file_in_image(built->rootfs, "/etc/ssh/ssh_host_ed25519_key", 4096).error().code ==
        ErrorCode::not_found);
  CHECK(test::read_file_in_image(built->rootfs, "/etc/apt/sources.list.d/debian.sources", 4096)
            ->find("Suites: bookworm") != std::string::npos);
  CHECK(test::read_file_in_image(built->work_seed, "/.bashrc", 4096)->find("PS1") != std::string::npos);
  CHECK(store.leftovers().empty());
}

TEST_CASE("images: the last steps of making one end once the caller has gone away") {
  samples::TempDir dir;
  auto staged = image::StagedDirectory::make(dir / "images", "new");
  REQUIRE(staged);
  REQUIRE(ext4::make_empty_ext4(staged->file("rootfs.ext4"), {.label = "", .size_bytes = 8 << 20, .uuid_seed = "s"}));
  image::StopFlag stop = true;
  auto completed = image::complete_image(*staged, {.name = "new"}, 0, &stop);
  REQUIRE(!completed);
  CHECK(completed.error().code == ErrorCode::cancelled);
}
