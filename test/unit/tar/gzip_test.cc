#include "tar/gzip.h"

#include "support/fs_fixture.h"

using namespace banger;
using namespace banger::test;

namespace {

struct Outcome {
  tar::Compressed done;
  std::string bytes;
};

Outcome compress(const std::string& plain) {
  auto from = as_fd(plain);
  UniqueFd to(::memfd_create("gz", MFD_CLOEXEC));
  auto done = tar::gzip(from.get(), to.get());
  if (!done) FAIL(done.error().sentence());
  return {*done, slurp(fmt::format("/proc/self/fd/{}", to.get()))};
}

}  // namespace

TEST_CASE("gzip: gzip reads what was written, and the sums are right") {
  TempDir dir;
  std::string plain;
  for (unsigned i = 0; i < 400'000; ++i) plain += fmt::format("line {}\n", i * 7919 % 1000);
  auto [done, bytes] = compress(plain);
  spill(dir / "plain", plain);
  spill(dir / "out.gz", bytes);
  CHECK(run(fmt::format("gzip -dc {0}/out.gz | cmp - {0}/plain", dir.path())).status == 0);
  CHECK(done.plain_bytes == plain.size());
  CHECK(done.bytes == bytes.size());
  CHECK(run(fmt::format("sha256sum {}/plain", dir.path())).output.starts_with(done.plain_sha256));
  CHECK(run(fmt::format("sha256sum {}/out.gz", dir.path())).output.starts_with(done.sha256));
}

TEST_CASE("gzip: the same bytes give the same stream, also none") {
  CHECK(compress("abc").bytes == compress("abc").bytes);
  CHECK(compress("").done.plain_bytes == 0);
  CHECK(compress("").bytes.starts_with("\x1f\x8b"));
}

TEST_CASE("gzip: an error of the progress ends the work") {
  auto from = as_fd("abc");
  UniqueFd to(::memfd_create("gz", MFD_CLOEXEC));
  auto stop = [](std::uint64_t) -> Result<> { return fail(ErrorCode::cancelled, "cancelled"); };
  CHECK(tar::gzip(from.get(), to.get(), stop).error().code == ErrorCode::cancelled);
}
