#include "image/catalog/sources.h"

#include "catch.h"
#include "support/run.h"

using namespace banger;
using namespace banger::image::catalog;

namespace {

const Entry kEntry{.kind = BundleKind::image,
                   .name = "app",
                   .description = "an app",
                   .sources = {{.kind = SourceKind::bundle, .location = "a.tar.zst"},
                               {.kind = SourceKind::packages},
                               {.kind = SourceKind::oci, .reference = "host/app"}}};

struct Fixture {
  host::Runtime runtime;
  host::Cancel cancel{runtime};
  std::vector<std::string> tried, told;
  std::vector<ErrorCode> fails;  ///< how the first sources fail; the next one works

  Result<int> tried_sources(Entry entry = kEntry) {
    auto make = [this](Source source) -> Task<Result<int>> {
      tried.push_back(to_string(source));
      if (tried.size() > fails.size()) co_return static_cast<int>(tried.size());
      co_return fail(fails[tried.size() - 1], "reason " + std::to_string(tried.size()), "hint");
    };
    auto tell = [this](std::string_view text) { told.emplace_back(text); };
    return test::run(runtime, try_sources<int>(std::move(entry), make, tell, cancel));
  }
};

}  // namespace

TEST_CASE("sources: the first one that works ends the search") {
  Fixture f;
  CHECK(f.tried_sources() == 1);
  CHECK(f.tried == std::vector<std::string>{"bundle a.tar.zst"});
  CHECK(f.told.empty());
}

TEST_CASE("sources: each failure is told with its reason before the next source is tried") {
  Fixture f;
  f.fails = {ErrorCode::not_found, ErrorCode::unavailable};
  CHECK(f.tried_sources() == 3);
  CHECK(f.tried == std::vector<std::string>{"bundle a.tar.zst", "packages", "oci host/app"});
  CHECK(f.told == std::vector<std::string>{"bundle a.tar.zst does not work: reason 1; next is packages",
                                           "packages does not work: reason 2; next is oci host/app"});
}

TEST_CASE("sources: when none works, the error has all reasons") {
  Fixture f;
  f.fails = {ErrorCode::not_found, ErrorCode::unavailable, ErrorCode::denied};
  auto error = f.tried_sources().error();
  CHECK(error.code == ErrorCode::denied);
  CHECK(error.sentence() ==
        "no source of image 'app' works: bundle a.tar.zst: reason 1; packages: reason 2; oci host/app: reason 3 "
        "(hint: hint)");
}

TEST_CASE("sources: the error of an only source stays as it is") {
  Fixture f;
  f.fails = {ErrorCode::not_found};
  auto entry = kEntry;
  entry.sources.resize(1);
  CHECK(f.tried_sources(entry).error().message == "reason 1");
  CHECK(f.told.empty());
}

TEST_CASE("sources: a caller who goes away ends the search") {
  Fixture f;
  f.fails = {ErrorCode::cancelled};
  CHECK(f.tried_sources().error().code == ErrorCode::cancelled);
  CHECK(f.tried.size() == 1);
  Fixture g;
  g.fails = {ErrorCode::unavailable};
  g.cancel.request();
  CHECK(g.tried_sources().error().code == ErrorCode::cancelled);
  CHECK(g.tried.size() == 1);
}
