#include "tar/compress.h"

#include <filesystem>

#include "support/fs_fixture.h"
#include "tar/ahead.h"

using namespace banger;
using namespace banger::test;

TEST_CASE("compress: the stream comes back, and is the same each time") {
  TempDir dir;
  std::string text;
  for (int i = 0; text.size() < (3 << 20); ++i) text += std::to_string(i);
  for (const std::string& bytes : {text, std::string(), std::string("x")}) {
    for (const char* name : {"one", "two"}) {
      auto from = as_fd(bytes);
      UniqueFd to(::open((dir / name).c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600));
      REQUIRE(tar::compress(from.get(), to.get()).has_value());
    }
    CHECK((slurp(dir / "one") == slurp(dir / "two")));
    auto packed = as_fd(slurp(dir / "one"));
    auto source = tar::AheadSource::start(packed.get());
    REQUIRE(source.has_value());
    std::string back;
    for (auto part = (*source)->next(); part && !part->empty(); part = (*source)->next()) back += *part;
    CHECK((back == bytes));
  }
}

TEST_CASE("compress: a full disk is an error after all input is read") {
  auto from = as_fd(std::string(1 << 20, 'x'));
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  auto done = tar::compress(from.get(), full.get());
  REQUIRE(!done.has_value());
  CHECK(done.error().sys_errno == ENOSPC);
  CHECK(::lseek(from.get(), 0, SEEK_CUR) == 1 << 20);
}
