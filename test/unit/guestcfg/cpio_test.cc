#include "guestcfg/cpio.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"
#include "catch.h"

using namespace banger;
using namespace banger::guestcfg;

namespace {

struct Entry {
  std::uint32_t mode = 0, major = 0, minor = 0;
  std::string content;
};

// A reader as strict as the kernel's: init/initramfs.c.
std::map<std::string, Entry> read(std::string_view archive) {
  std::map<std::string, Entry> entries;
  std::size_t at = 0;
  auto align = [&] { at = (at + 3) & ~std::size_t{3}; };
  while (at + 110 <= archive.size()) {
    REQUIRE(archive.substr(at, 6) == "070701");
    auto field = [&](int n) {
      return static_cast<std::uint32_t>(
          std::stoul(std::string(archive.substr(at + 6 + 8 * static_cast<std::size_t>(n), 8)), nullptr, 16));
    };
    Entry entry{field(1), field(9), field(10), {}};
    std::size_t size = field(6), name_size = field(11);
    std::size_t name_at = at + 110;
    REQUIRE(archive[name_at + name_size - 1] == '\0');
    std::string name(archive.substr(name_at, name_size - 1));
    at = name_at + name_size;
    align();
    entry.content = archive.substr(at, size);
    at += size;
    align();
    if (name == "TRAILER!!!") return entries;
    entries[name] = entry;
  }
  FAIL("no trailer");
  return entries;
}

}  // namespace

TEST_CASE("cpio: entries keep name, kind, mode, content and device number") {
  CpioWriter writer;
  writer.directory("dev");
  writer.device("dev/console", 0020600, 5, 1);
  writer.file("init", std::string_view("a\0b\xff", 4), 0755);
  writer.file("empty", "");
  writer.symlink("link", "init");
  auto entries = read(std::move(writer).finish());
  CHECK(entries.size() == 5);
  CHECK(entries["dev"].mode == 0040755);
  CHECK(entries["dev/console"].mode == 0020600);
  CHECK(entries["dev/console"].major == 5);
  CHECK(entries["dev/console"].minor == 1);
  CHECK(entries["init"].mode == 0100755);
  CHECK(entries["init"].content == std::string("a\0b\xff", 4));
  CHECK(entries["empty"].content.empty());
  CHECK(entries["link"].mode == 0120777);
  CHECK(entries["link"].content == "init");
}

TEST_CASE("cpio: an archive is padded so that another may follow, and the same input gives the same bytes") {
  auto make = [] {
    CpioWriter writer;
    writer.file("a", "b");
    return std::move(writer).finish();
  };
  CHECK(make().size() % 512 == 0);
  CHECK(make() == make());
}

TEST_CASE("cpio: the config archive holds the document and the payloads, readable by root only") {
  GuestConfig config;
  config.hostname = "web";
  config.files = {{.path = "/etc/a", .data = "first"}, {.path = "/etc/b", .data = std::string("\0\n", 2)}};
  auto entries = read(config_archive(config));
  CHECK(entries["banger"].mode == 0040700);
  CHECK(entries["banger/config.json"].mode == 0100600);
  CHECK(entries["banger/files/0"].content == "first");
  CHECK(entries["banger/files/1"].content == std::string("\0\n", 2));
  auto json = parse_json(entries["banger/config.json"].content, 1 << 20);
  REQUIRE(json);
  auto back = from_json(*json, {entries["banger/files/0"].content, entries["banger/files/1"].content});
  REQUIRE(back);
  CHECK(back->hostname == "web");
  CHECK(back->files[1].data == std::string("\0\n", 2));
}
