// ImageStore::add_guest: what becomes of the stream of a guest.
#include <sys/stat.h>

#include "catch.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/kernel/samples.h"
#include "image/store.h"
#include "support/fs_fixture.h"
#include "support/image_file.h"

using namespace banger;
using test::TarBytes;
using test::TempDir;

namespace {

/// Gives these pieces, and then its end, an error, or nothing more.
class Pieces : public image::ByteStream {
 public:
  enum class Then { end, fail, wait };
  Pieces(host::Runtime& runtime, std::vector<std::string> pieces, Then then)
      : pieces_(std::move(pieces)), then_(then), never_(runtime) {}
  Task<Result<std::string>> read() override {
    if (next_ < pieces_.size()) co_return pieces_[next_++];
    if (then_ == Then::fail) co_return fail(ErrorCode::unavailable, "the guest has gone");
    if (then_ == Then::wait) co_await never_.wait();
    co_return std::string();
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  Then then_;
  host::Event never_;
};

using Made = Result<std::pair<image::Image, image::LeftOut>>;

struct Fixture {
  TempDir dir;
  host::Runtime runtime;
  image::ImageStore store{runtime, dir / "images", dir / "cache", "/usr/bin:/bin"};
  host::Cancel cancel{runtime};
  std::chrono::milliseconds patience = std::chrono::minutes(1);
  std::uint64_t max_content_bytes = 1 << 30;
  std::function<void()> on_progress = [] {};

  Made make(std::vector<std::string> pieces, Pieces::Then then = Pieces::Then::end) {
    image::GuestImage made{.image = {.id = {}, .name = "box", .source = "vm:web", .kernel = "k"},
                           .tar = std::make_unique<Pieces>(runtime, std::move(pieces), then),
                           .max_content_bytes = max_content_bytes,
                           .patience = patience};
    auto progress = [this](auto, auto, int) { on_progress(); };
    return samples::run(runtime, store.add_guest(std::move(made), progress, cancel));
  }

  /// The error, after a check that nothing is left.
  Error refused(std::vector<std::string> pieces, Pieces::Then then = Pieces::Then::end) {
    auto made = make(std::move(pieces), then);
    REQUIRE(!made);
    CHECK(std::filesystem::is_empty(dir / "images"));
    return made.error();
  }
};

TarBytes tree() {
  TarBytes tar;
  tar.directory("./").directory("./etc").file("./etc/motd", "hello\n").directory("./root").file("./root/notes", "mine");
  return tar;
}

}  // namespace

TEST_CASE("image from a guest: the stream becomes an image with its work seed") {
  Fixture f;
  auto bytes = tree().done();
  auto made = f.make({bytes.substr(0, 700), bytes.substr(700)});
  if (!made) FAIL(made.error().sentence());
  const auto& image = made->first;
  CHECK(image.name == "box");
  CHECK(image.source == "vm:web");
  CHECK(*test::read_file_in_image(image.rootfs, "/etc/motd", 100) == "hello\n");
  CHECK(*test::read_file_in_image(image.work_seed, "/notes", 100) == "mine");
  CHECK(test::complaints(image.rootfs).empty());
  CHECK(made->second.some.empty());
  CHECK(f.store.get("box")->id == image.id);
}

TEST_CASE("image from a guest: the newer image takes the name") {
  Fixture f;
  auto old = f.make({tree().done()}), made = f.make({tree().done()});
  REQUIRE((old && made));
  CHECK(f.store.get("box")->id == made->first.id);
  CHECK(f.store.get(old->first.id)->name.empty());
}

TEST_CASE("image from a guest: what the guest could not send is named and absent") {
  Fixture f;
  auto tar = tree();
  tar.add({.name = "./etc/secret", .pax = {{"SCHILY.xattr.banger.left_out", "permission denied"}}});
  tar.add({.name = "./etc/motd", .pax = {{"SCHILY.xattr.banger.left_out", "it became shorter"}}});
  auto made = f.make({tar.done()});
  if (!made) FAIL(made.error().sentence());
  using Names = std::vector<std::pair<std::string, std::string>>;
  CHECK(made->second.some == Names{{"./etc/secret", "permission denied"}, {"./etc/motd", "it became shorter"}});
  CHECK_FALSE(test::read_file_in_image(made->first.rootfs, "/etc/secret", 100).has_value());
  CHECK(*test::read_file_in_image(made->first.rootfs, "/etc/motd", 100) == "hello\n");
}

TEST_CASE("image from a guest: a guest that ends in the middle leaves nothing") {
  Fixture f;
  auto error = f.refused({tree().done().substr(0, 2000)}, Pieces::Then::fail);
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "the guest has gone");
  CHECK(f.refused({tree().unfinished()}).code == ErrorCode::corrupt);
}

TEST_CASE("image from a guest: a guest that falls silent is given up") {
  Fixture f;
  f.patience = std::chrono::milliseconds(1);
  CHECK(f.refused({tree().unfinished()}, Pieces::Then::wait).code == ErrorCode::timeout);
}

TEST_CASE("image from a guest: a cancelled one leaves nothing") {
  Fixture f;
  f.on_progress = [&] { f.cancel.request(); };
  CHECK(f.refused({tree().unfinished()}, Pieces::Then::wait).code == ErrorCode::cancelled);
}

TEST_CASE("image from a guest: more content than its disks hold is refused") {
  Fixture f;
  f.max_content_bytes = 8;
  CHECK(f.refused({tree().done()}).code == ErrorCode::exhausted);
}

TEST_CASE("image from a guest: compressed streams and hostile names are refused") {
  Fixture f;
  TarBytes outside;
  outside.file("../outside");
  CHECK(f.refused({outside.done()}).code == ErrorCode::invalid);
  CHECK(f.refused({std::string("\x1f\x8b\x08\0\0\0\0\0\0\3\0", 11)}).code == ErrorCode::corrupt);
}
