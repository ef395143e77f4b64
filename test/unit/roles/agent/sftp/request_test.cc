#include "roles/agent/sftp/request.h"

#include "catch.h"

using namespace banger::roles::agent::sftp;

namespace {

Writer begin(Kind kind, std::uint32_t id) {
  Writer writer;
  writer.byte(static_cast<std::uint8_t>(kind)).number(id);
  return writer;
}

}  // namespace

TEST_CASE("sftp request: a whole one is read") {
  std::uint32_t id = 0;
  auto writer = begin(Kind::open, 7);
  writer.text("/tmp/a b").number(26);
  write_attributes({.size = 5, .owner = {{1, 2}}, .mode = 0640, .times = {{3, 4}}}, writer);
  auto request = parse_request(writer.take(), id);
  REQUIRE(request);
  CHECK(id == 7);
  CHECK(request->path == "/tmp/a b");
  CHECK(request->flags == 26);
  CHECK(request->attributes.size == 5);
  CHECK(request->attributes.owner == std::pair(1u, 2u));
  CHECK(request->attributes.mode == 0640);
  CHECK(request->attributes.times == std::pair(3u, 4u));
}

TEST_CASE("sftp request: bytes of a write are exactly those of the client") {
  std::uint32_t id = 0;
  auto message =
      begin(Kind::write, 1).text(std::string("h\0", 2)).large(1ull << 40).text(std::string("\0\xff\n", 3)).take();
  auto request = parse_request(message, id);
  REQUIRE(request);
  CHECK(request->handle == std::string("h\0", 2));
  CHECK(request->offset == 1ull << 40);
  CHECK(request->data == std::string("\0\xff\n", 3));
}

TEST_CASE("sftp request: what is cut, unknown or has a zero byte in a path is none") {
  std::uint32_t id = 0;
  auto whole = begin(Kind::rename, 9).text("from").text("to").take();
  REQUIRE(parse_request(whole, id));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(parse_request(std::string_view(whole).substr(0, size), id));
  }
  CHECK_FALSE(parse_request(begin(static_cast<Kind>(2), 9).take(), id));
  CHECK_FALSE(parse_request(begin(static_cast<Kind>(21), 9).text("x").take(), id));
  CHECK_FALSE(parse_request(begin(Kind::remove, 9).text(std::string("a\0b", 3)).take(), id));
  CHECK(id == 9);
}

TEST_CASE("sftp request: endless attributes end with the message") {
  std::uint32_t id = 0;
  auto message = begin(Kind::set_stat, 3).text("x").number(0x8000'0000).number(0xffff'ffff).take();
  CHECK_FALSE(parse_request(message, id));
}
