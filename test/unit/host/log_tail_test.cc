#include "host/log_tail.h"

#include <fcntl.h>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;

namespace {

struct Log {
  explicit Log(std::string_view text) {
    REQUIRE(host::write_file(path, text));
    fd = std::move(*host::open_file(path, O_RDONLY));
  }
  std::string from(off_t at) const { return host::read_file(path, 1 << 20)->substr(static_cast<std::size_t>(at)); }
  std::string last(std::uint64_t lines, off_t first = 0) const {
    return from(host::last_lines(fd.get(), first, lines));
  }
  std::string next(off_t at) const { return from(host::next_line(fd.get(), at)); }

  test::TempDir dir;
  std::string path = dir.path() + "/log";
  UniqueFd fd;
};

}  // namespace

TEST_CASE("log tail: the last lines, with and without the end of the last one") {
  Log whole("one\ntwo\n\nfour\n"), cut("one\ntwo");
  CHECK(whole.last(1) == "four\n");
  CHECK(whole.last(2) == "\nfour\n");
  CHECK(whole.last(3) == "two\n\nfour\n");
  CHECK(whole.last(4) == whole.last(99));
  CHECK(whole.last(99).starts_with("one\n"));
  CHECK(whole.last(0).empty());
  CHECK(whole.last(99, 4) == "two\n\nfour\n");
  CHECK(cut.last(1) == "two");
  CHECK(Log("").last(3).empty());
}

TEST_CASE("log tail: a reader that begins within a line goes on to the next") {
  Log log("one\ntwo\nthree");
  CHECK(log.next(0).starts_with("one"));
  CHECK(log.next(1).starts_with("two"));
  CHECK(log.next(4).starts_with("two"));
  CHECK(log.next(5) == "three");
  CHECK(log.next(9) == "hree");  // no line begins there, and a part is better than nothing
}

TEST_CASE("log tail: lines that are longer than one read") {
  std::string line(200'000, 'x');
  Log log("first\n" + line + "\n" + line + "\nlast\n");
  CHECK(log.last(2) == line + "\nlast\n");
  CHECK(log.last(3) == line + "\n" + line + "\nlast\n");
  CHECK(log.next(10) == line + "\nlast\n");
}
