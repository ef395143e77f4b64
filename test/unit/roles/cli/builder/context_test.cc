#include "roles/cli/builder/context.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "catch.h"
#include "host/files.h"
#include "roles/cli/builder/base_layers.h"
#include "roles/cli/builder/limited_copy.h"
#include "support/fs_fixture.h"
#include "tar/reader.h"

using namespace banger;
using namespace banger::roles::cli;
using Catch::Matchers::Contains;

namespace {

struct Fixture {
  test::TempDir dir;
  Unsent unsent;
  image::StopFlag stop = false;

  Fixture() {
    dir.put("Containerfile", "FROM a\n");
    dir.put("src/main.c", "main");
    dir.put("secret", "x");
  }
  BuildContext find(const std::optional<std::string>& file = std::nullopt) {
    auto context = BuildContext::find(dir.path(), file);
    if (!context) FAIL(context.error().sentence());
    return std::move(*context);
  }
  /// What is sent, without "context/".
  std::vector<std::string> sent(const BuildContext& context) {
    auto file = test::as_fd("");
    std::atomic<std::uint64_t> bytes = 0;
    auto written = write_context(context, file.get(), unsent, bytes, stop);
    if (!written) FAIL(written.error().sentence());
    REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
    auto reader = tar::TarReader::open(file.get(), tar::Compression::none);
    std::vector<std::string> names;
    while (auto entry = reader->next().value())
      if (entry->path.size() > 8) names.push_back(entry->path.substr(8) + (entry->target.empty() ? "" : "@"));
    for (auto& name : names)
      if (name.ends_with('/')) name.pop_back();
    return names;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("build context: the Containerfile and the ignore file are found") {
  Fixture f;
  CHECK(f.find().containerfile == "FROM a\n");
  f.dir.put("Dockerfile", "FROM b\n");
  CHECK(f.find().containerfile == "FROM a\n");
  std::filesystem::remove(f.dir / "Containerfile");
  CHECK(f.find().containerfile == "FROM b\n");
  f.dir.put(".dockerignore", "x");
  CHECK(f.find().ignore_text == "x");
  f.dir.put(".containerignore", "y");
  CHECK(f.find().ignore_text == "y");
  f.dir.put("other/File.dockerignore", "z");
  f.dir.put("other/File", "FROM c");
  CHECK(f.find(f.dir / "other/File").ignore_text == "z");
  CHECK(f.find(f.dir / "other/File").containerfile == "FROM c");
}

TEST_CASE("build context: what is missing or wrong is an error with a way out") {
  Fixture f;
  std::filesystem::remove(f.dir / "Containerfile");
  CHECK_THAT(BuildContext::find(f.dir.path(), {}).error().sentence(), Contains("neither") && Contains("-f FILE"));
  CHECK_THAT(BuildContext::find(f.dir / "no", {}).error().sentence(), Contains("No such file"));
  CHECK_THAT(BuildContext::find("-", {}).error().sentence(), Contains("add -f FILE"));
  f.dir.put("Dockerfile", "FROM a");
  f.dir.put(".dockerignore", "[");
  CHECK_THAT(BuildContext::find(f.dir.path(), {}).error().sentence(), Contains(".dockerignore: line 1"));
}

TEST_CASE("build context: a file that is found must not be a link out of the context") {
  Fixture f;
  test::TempDir home;
  home.put("credentials", "[key=secret");
  for (auto name : {"Containerfile.dockerignore", ".dockerignore", ".containerignore", "Containerfile"}) {
    INFO(name);
    std::filesystem::remove(f.dir / name);
    std::filesystem::create_symlink(home / "credentials", f.dir / name);
    auto found = BuildContext::find(f.dir.path(), {});
    REQUIRE_FALSE(found);
    CHECK(found.error().code == ErrorCode::denied);
    CHECK_THAT(found.error().sentence(),
               Contains(std::string(name) + " is a link that leads out of") && Contains("hint") && !Contains("secret"));
    std::filesystem::remove(f.dir / name);
  }
}

TEST_CASE("build context: a link through a directory of the context must not lead out either") {
  Fixture f;
  test::TempDir home;
  home.put("credentials", "secret");
  std::filesystem::create_symlink(home.path(), f.dir / "home");
  std::filesystem::create_symlink("home/credentials", f.dir / ".dockerignore");
  CHECK_THAT(BuildContext::find(f.dir.path(), {}).error().sentence(), Contains("leads out of the context"));
}

TEST_CASE("build context: links inside the context, and what the user names, are followed") {
  Fixture f;
  f.dir.put("docker/Containerfile", "FROM linked\n");
  f.dir.put("docker/ignored", "x");
  std::filesystem::remove(f.dir / "Containerfile");
  std::filesystem::create_symlink("docker/Containerfile", f.dir / "Containerfile");
  std::filesystem::create_symlink("docker/../docker/ignored", f.dir / ".dockerignore");
  CHECK(f.find().containerfile == "FROM linked\n");
  CHECK(f.find().ignore_text == "x");
  test::TempDir other;
  std::filesystem::create_symlink(f.dir.path(), other / "context");
  CHECK(BuildContext::find(other / "context", {}).value().ignore_text == "x");
  std::filesystem::create_symlink(f.dir / "docker/Containerfile", other / "File");
  CHECK(BuildContext::find(f.dir.path(), other / "File").value().containerfile == "FROM linked\n");
  std::filesystem::create_symlink(f.dir / "docker/ignored", other / "File.dockerignore");
  CHECK_THAT(BuildContext::find(f.dir.path(), other / "File").error().sentence(),
             Contains("leads out of its directory"));
}

TEST_CASE("build context: what is no regular file is neither read nor waited for") {
  Fixture f;
  REQUIRE(::mkfifo((f.dir / ".dockerignore").c_str(), 0600) == 0);
  CHECK_THAT(BuildContext::find(f.dir.path(), {}).error().sentence(), Contains("not a regular file"));
}

TEST_CASE("build context: ignored files are not sent") {
  Fixture f;
  CHECK(f.sent(f.find()) == Names{"Containerfile", "secret", "src", "src/main.c"});
  f.dir.put(".dockerignore", "secret\nsrc\n.dockerignore");
  CHECK(f.sent(f.find()) == Names{"Containerfile"});
  f.dir.put(".dockerignore", "*\n!src/main.c");
  CHECK(f.sent(f.find()) == Names{"src", "src/main.c"});
}

TEST_CASE("build context: nothing more is sent when nobody reads it") {
  Fixture f;
  f.stop = true;
  CHECK(f.sent(f.find()).empty());
}

TEST_CASE("build context: symlinks are sent as symlinks, so nothing outside is read") {
  Fixture f;
  std::filesystem::create_symlink("/etc", f.dir / "outside");
  CHECK(f.sent(f.find()) == Names{"Containerfile", "outside@", "secret", "src", "src/main.c"});
}

TEST_CASE("build context: what cannot be sent is named") {
  Fixture f;
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (f.dir / "a-socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(f.sent(f.find()) == Names{"Containerfile", "secret", "src", "src/main.c"});
  CHECK(f.unsent == Unsent{{"a-socket", "it is a socket"}});
}

TEST_CASE("base layers: each base has a name of its own in the guest, at all of its places") {
  std::string text =
      "FROM debian:12 AS one\nFROM localhost/debian:12\nCOPY --from=debian:12 / /\nFROM a/b@sha256:x\nFROM one\n";
  std::vector<BaseLayers> bases(3);
  for (std::size_t i = 0; auto name : {"debian:12", "localhost/debian:12", "a/b@sha256:x"}) {
    bases[i].name = name;
    bases[i].guest_name = guest_name_of(std::string(64, static_cast<char>('a' + i)));
    ++i;
  }
  auto places = image::base_images(text, {}, "").value();
  CHECK(with_guest_names(text, places, bases) ==
        "FROM localhost/base:aaaaaaaaaaaa AS one\nFROM localhost/base:bbbbbbbbbbbb\n"
        "COPY --from=localhost/base:aaaaaaaaaaaa / /\nFROM localhost/base:cccccccccccc\nFROM one\n");
}

TEST_CASE("limited copy: a stream over the limit ends") {
  test::TempDir dir;
  auto from = test::as_fd("123456"), to = test::as_fd("");
  CHECK(copy_limited(from.get(), to.get(), dir.path(), 6));
  ::lseek(from.get(), 0, SEEK_SET);
  CHECK(copy_limited(from.get(), to.get(), dir.path(), 5).error().code == ErrorCode::exhausted);
  ::lseek(from.get(), 0, SEEK_SET);
  image::StopFlag stop = true;
  CHECK(copy_limited(from.get(), to.get(), dir.path(), 6, &stop).error().code == ErrorCode::cancelled);
}
