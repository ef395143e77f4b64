#include "tar/placement.h"

#include "support/fs_fixture.h"

using namespace banger;
using namespace banger::tar;
using namespace banger::test;

TEST_CASE("placement: each kind at a name that is taken") {
  auto place = [](mode_t incoming, mode_t there, Target target, nlink_t names = 1) -> std::string {
    struct stat info{};
    info.st_mode = there;
    info.st_nlink = names;
    auto found = place_of(incoming, info, target);
    if (!found) return found.error().code == ErrorCode::exists ? "refused" : "another error";
    return *found == Place::replace ? "replaced" : *found == Place::write_into ? "written into" : "kept";
  };
  for (auto target : {Target::found, Target::named}) {
    std::string if_named = target == Target::named ? "written into" : "refused";
    CHECK(place(S_IFREG, S_IFREG, target) == "replaced");
    CHECK(place(S_IFREG, S_IFREG, target, 2) == "written into");
    CHECK(place(S_IFREG, S_IFLNK, target) == if_named);
    CHECK(place(S_IFREG, S_IFIFO, target) == if_named);
    CHECK(place(S_IFREG, S_IFCHR, target) == "written into");
    CHECK(place(S_IFREG, S_IFBLK, target) == "written into");
    CHECK(place(S_IFIFO, S_IFIFO, target) == "kept");
    for (mode_t incoming : {S_IFLNK, S_IFIFO}) {
      CHECK(place(incoming, S_IFREG, target, 2) == "replaced");
      CHECK(place(incoming, S_IFLNK, target) == "replaced");
      CHECK(place(incoming, S_IFCHR, target) == "refused");
      CHECK(place(incoming, S_IFBLK, target) == "refused");
    }
    CHECK(place(S_IFLNK, S_IFIFO, target) == "refused");
    for (mode_t incoming : {S_IFREG, S_IFLNK, S_IFIFO})
      for (mode_t there : {S_IFDIR, S_IFSOCK}) CHECK(place(incoming, there, target) == "refused");
  }
}

TEST_CASE("placement: new content replaces old content, and a file written onto itself stays") {
  TempDir dir;
  UniqueFd from(::open((dir / "from").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  REQUIRE(::ftruncate(from.get(), 300'000) == 0);
  REQUIRE(::pwrite(from.get(), "abc", 3, 100'000) == 3);
  auto content = slurp(dir / "from");
  for (std::size_t old : {0u, 50u, 299'999u, 400'000u}) {
    CAPTURE(old);
    spill(dir / "to", std::string(old, 'o'));
    auto to = open_in_place(AT_FDCWD, dir / "to", Target::named);
    REQUIRE(to.has_value());
    REQUIRE(copy_content(from.get(), to->get()).has_value());
    CHECK(slurp(dir / "to") == content);
  }
  auto itself = open_in_place(AT_FDCWD, dir / "from", Target::named);
  REQUIRE(itself.has_value());
  REQUIRE(copy_content(from.get(), itself->get()).has_value());
  CHECK(slurp(dir / "from") == content);
}

TEST_CASE("placement: content with holes arrives in a file and in an object without holes") {
  TempDir dir;
  UniqueFd from(::open((dir / "from").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  for (off_t size : {0, 5, 200'000, 1'000'000}) {
    REQUIRE(::ftruncate(from.get(), 0) == 0);
    REQUIRE(::ftruncate(from.get(), size) == 0);
    if (size > 100'000) REQUIRE(::pwrite(from.get(), "abc", 3, 100'000) == 3);
    UniqueFd to(::open((dir / "to").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
    REQUIRE(copy_content(from.get(), to.get()).has_value());
    CHECK(slurp(dir / "to") == slurp(dir / "from"));
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reader(ends[0]), writer(ends[1]);
    if (::fcntl(writer.get(), F_SETPIPE_SZ, 1 << 20) < size) continue;
    REQUIRE(copy_content(from.get(), writer.get()).has_value());
    writer.reset();
    CHECK(slurp(fmt::format("/proc/self/fd/{}", reader.get())) == slurp(dir / "from"));
  }
}
