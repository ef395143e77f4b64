#include "image/oci/access.h"

#include "catch.h"

using namespace banger;
using namespace image::oci;

namespace {

std::string refusal(std::string_view registry, std::string_view server, const InsecureRegistries& insecure = {}) {
  auto checked = check_server(*http::parse_url(registry), *http::parse_url(server), insecure);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("registry access: only this host and listed registries may be plain") {
  for (auto* registry : {"localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"}) {
    INFO(registry);
    CHECK(may_be_plain(registry, {}));
  }
  for (auto* registry : {"docker.io", "10.0.0.1:5000", "localhost.test", "[fd00::1]:5000"}) {
    INFO(registry);
    CHECK_FALSE(may_be_plain(registry, {"other.test"}));
  }
  CHECK(may_be_plain("mirror.test:5000", {"mirror.test:5000"}));
  CHECK(may_be_plain("mirror.test:5000", {"mirror.test"}));
  CHECK(may_be_plain("mirror.test:5000", {"Mirror.Test"}));  // letters make no difference
  CHECK(may_be_plain("ALONE", {"alone"}));
  CHECK_FALSE(may_be_plain("mirror.test:5001", {"mirror.test:5000"}));
}

TEST_CASE("registry access: a registry cannot send a pull to where it may not look") {
  CHECK(refusal("https://a.test/", "https://storage.test/x") == "");
  CHECK(refusal("http://localhost:5000/", "http://127.0.0.1:6000/") == "");
  CHECK(refusal("https://10.0.0.1/", "https://10.0.0.2/") == "");
  CHECK(refusal("https://a.test/", "http://10.0.0.1/", {"10.0.0.1"}) == "");
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal("https://a.test/", "http://b.test/"), Contains("http://b.test, which is not encrypted"));
  CHECK_THAT(refusal("http://localhost:5000/", "http://169.254.169.254/"), Contains("not encrypted"));
  for (auto* server : {"https://10.0.0.1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/",
                       "https://169.254.169.254/", "https://[::ffff:10.0.0.1]/"}) {
    INFO(server);
    CHECK_THAT(refusal("https://a.test/", server), Contains("inside of this host's network"));
  }
  CHECK_THAT(refusal("https://127.0.0.1:5000/", "https://192.168.1.1/"), Contains("inside of this host's network"));
}
