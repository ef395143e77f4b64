// What is a host name, what is an address, what is neither.
#include "egress/host.h"

#include "catch.h"

using namespace banger::egress;

namespace {

const std::string kLabel(63, 'x');

}  // namespace

TEST_CASE("host: a name has one form") {
  CHECK(host_name("Example.ORG") == "example.org");
  CHECK(host_name("example.org.") == "example.org");
  CHECK(host_name("xn--bcher-kva.example") == "xn--bcher-kva.example");
  CHECK(host_name("_dmarc.a-b.example") == "_dmarc.a-b.example");
  CHECK(host_name("web") == "web");
  CHECK(host_name("3com.com") == "3com.com");
  CHECK(host_name(kLabel + ".org") == kLabel + ".org");
}

TEST_CASE("host: what is longer than DNS allows is no name") {
  auto longest = kLabel + "." + kLabel + "." + kLabel + "." + std::string(61, 'x');
  CHECK(longest.size() == 253);
  CHECK(host_name(longest) == longest);
  CHECK(host_name(longest + ".") == longest);
  CHECK_FALSE(host_name(longest + "x"));
  CHECK_FALSE(host_name(kLabel + "x.org"));
}

TEST_CASE("host: other texts are no names") {
  for (std::string_view text :
       {"",          ".",     "..",    "a..b",    ".a", "a..", "a b",  "a/b",    "a:1",  "a@b",  "*.a",
        "b\xc3\xbc", "a%2eb", "[::1]", "1.2.3.4", "1",  "a.1", "0x7f", "a.0x7f", "a.0x", "127.1"}) {
    INFO(text);
    CHECK_FALSE(host_name(text));
  }
  CHECK_FALSE(host_name(std::string_view("a\0b", 3)));
}

TEST_CASE("host: addresses of every spelling are no names") {
  for (std::string_view text : {"1.2.3.4", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.2.3.4.", "[::1]",
                                "::1", "2001:db8::1", "[::ffff:10.0.0.1]", "1.2.3.4.5", "256.1.1.1", "01.2.3.4"}) {
    INFO(text);
    CHECK(read_host(text).kind == HostKind::address);
    CHECK(read_host(text).name.empty());
  }
  CHECK(read_host("1.2.3.4").address == 0x01020304);
  CHECK_FALSE(read_host("127.1").address);
  CHECK_FALSE(read_host("01.2.3.4").address);
  CHECK_FALSE(read_host("::1").address);
}

TEST_CASE("host: a name is read as one, rubbish as nothing") {
  CHECK(read_host("Example.org.") == Host{.kind = HostKind::name, .name = "example.org"});
  for (std::string_view text :
       {"", "[", "]", "[]", "[::1", "[1.2.3.4]", "[fe80::1%eth0]", "a b", "1.2.3.4:80", "%31"}) {
    INFO(text);
    CHECK(read_host(text).kind == HostKind::invalid);
  }
  CHECK(read_host(std::string(300, 'a')).kind == HostKind::invalid);
  CHECK(read_host(std::string_view("1.2.3.4\0", 8)).kind == HostKind::invalid);
}
