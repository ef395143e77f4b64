// Realistic package sources of hosts, reduced to Debian's own.
#include "image/apt/sources.h"

#include "catch.h"
#include "image/kernel/samples.h"

using namespace banger;
using namespace image;

namespace {

const std::string kDeb822 = R"(# the usual
Types: deb
# once it was elsewhere
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.test/debian-security/
Suites: bookworm-security
Components: main contrib

Types: deb
URIs: https://vendor.test/node
Suites: nodistro
Components: main
Enabled: yes

Enabled: no
Types: deb
URIs: http://mirror.test/off
Suites: bookworm
Components: main
)";

std::string nothing_known(const std::string&, const std::string&) { return {}; }

}  // namespace

TEST_CASE("apt sources: one-line entries with and without options, comments and sources of source") {
  auto sources = parse_one_line_sources(
      "# deb http://mirror.test/no bookworm main\n"
      "deb http://mirror.test/debian bookworm main contrib # trailing\n"
      "deb [ arch=amd64,arm64 signed-by=/etc/apt/keyrings/x.gpg ] https://mirror.test/debian  bookworm-updates\tmain\n"
      "deb-src http://mirror.test/debian bookworm main\n"
      "deb [arch=amd64 http://mirror.test/broken bookworm main\n"
      "deb\n");
  REQUIRE(sources.size() == 2);
  CHECK(sources[0].uris == std::vector<std::string>{"http://mirror.test/debian"});
  CHECK(sources[0].components == std::vector<std::string>{"main", "contrib"});
  CHECK(sources[1].suites == std::vector<std::string>{"bookworm-updates"});
  CHECK(sources[1].architectures == std::vector<std::string>{"amd64", "arm64"});
  CHECK(sources[1].signed_by == "/etc/apt/keyrings/x.gpg");
}

TEST_CASE("apt sources: deb822 stanzas, with disabled ones left out and keys kept") {
  auto sources = parse_deb822_sources(kDeb822);
  REQUIRE(sources.size() == 3);
  CHECK(sources[0].suites == std::vector<std::string>{"bookworm", "bookworm-updates"});
  CHECK(sources[0].signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg");
  auto embedded = parse_deb822_sources("Types: deb\nURIs: http://a\nSuites: b\nSigned-By:\n -----BEGIN\n .\n AAAA\n");
  REQUIRE(embedded.size() == 1);
  CHECK(to_deb822(embedded).find("Signed-By: \n -----BEGIN\n .\n AAAA\n") != std::string::npos);
}

TEST_CASE("apt sources: sources other than Debian's own for the suite are left out") {
  auto sources = parse_deb822_sources(kDeb822);
  auto more = parse_one_line_sources(
      "deb [signed-by=/etc/apt/keyrings/docker.gpg] https://vendor.test/docker bookworm stable\n"
      "deb [signed-by=/etc/apt/keyrings/tool.gpg] https://vendor.test/tool bookworm main\n"
      "deb http://mirror.test/debian trixie main\n");
  sources.insert(sources.end(), more.begin(), more.end());
  auto kept = sources_of_suite(sources, "bookworm", nothing_known);
  REQUIRE(kept);
  REQUIRE(kept->size() == 2);
  CHECK((*kept)[0].uris[0] == "http://mirror.test/debian");
  CHECK((*kept)[1].uris[0] == "http://mirror.test/debian-security/");
}

TEST_CASE("apt sources: a known origin decides, whatever the address or key looks like") {
  auto origin = origins_from_index_targets(
      "http://in-house.test/mirror/|bookworm|Debian\nhttps://vendor.test/debian/|bookworm|Vendor\nnonsense\n");
  auto kept =
      sources_of_suite(parse_one_line_sources("deb [signed-by=/k.gpg] http://in-house.test/mirror bookworm main\n"
                                              "deb https://vendor.test/debian bookworm main\n"),
                       "bookworm", origin);
  REQUIRE(kept);
  REQUIRE(kept->size() == 1);
  CHECK((*kept)[0].uris[0] == "http://in-house.test/mirror");
}

TEST_CASE("apt sources: a host without the suite gets a hint how to add it") {
  auto kept = sources_of_suite(parse_one_line_sources("deb http://mirror.test/ubuntu jammy main\n"
                                                      "deb http://mirror.test/debian bookworm-security main\n"),
                               "bookworm", nothing_known);
  REQUIRE(!kept);
  CHECK(kept.error().code == ErrorCode::unavailable);
  CHECK(kept.error().hint.find("sources.list.d") != std::string::npos);
}

TEST_CASE("apt sources: both styles of file are read, others and missing ones are not") {
  samples::TempDir dir;
  samples::write(dir / "sources.list", "deb http://a.test/debian bookworm main\n");
  samples::write(dir / "sources.list.d/b.sources", "Types: deb\nURIs: http://b.test\nSuites: x\n");
  samples::write(dir / "sources.list.d/c.list", "deb http://c.test x main\n");
  samples::write(dir / "sources.list.d/d.list.disabled", "deb http://d.test x main\n");
  auto sources = read_apt_sources(dir.path());
  REQUIRE(sources.size() == 3);
  CHECK(sources[1].uris[0] == "http://b.test");
  CHECK(sources[2].uris[0] == "http://c.test");
  CHECK(read_apt_sources(dir / "missing").empty());
}

TEST_CASE("apt sources: a list of mirrors on the host is replaced by the mirrors in it") {
  samples::TempDir dir;
  samples::write(dir / "mirrors.list", "# ours\nhttp://a.test/debian\tpriority:1\nhttp://b.test/debian\n");
  auto sources = expand_mirror_lists(parse_one_line_sources("deb mirror+file:" + dir.path() +
                                                            "/mirrors.list bookworm main\n"
                                                            "deb mirror+file:/missing bookworm main\n"));
  REQUIRE(sources.size() == 1);
  CHECK(sources[0].uris == std::vector<std::string>{"http://a.test/debian", "http://b.test/debian"});
}
