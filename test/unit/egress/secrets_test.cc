// Placeholders and values: where they change places, and which secrets there can be.
#include "egress/secrets.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "catch.h"
#include "egress/bounds.h"
#include "egress/http_head.h"

using namespace banger;
using namespace banger::egress;

namespace {

Json secret(const std::string& name, const Json& value, const std::vector<std::string>& hosts = {"api.org"}) {
  return {{"name", name}, {"placeholder", "banger-secret-" + name}, {"value", value}, {"hosts", hosts}};
}
Secrets made(const Json& list) {
  auto secrets = Secrets::from_json(&list);
  REQUIRE(secrets);
  return std::move(*secrets);
}
std::string refusal(const Json& list) {
  auto secrets = Secrets::from_json(&list);
  REQUIRE_FALSE(secrets);
  CHECK(secrets.error().code == ErrorCode::invalid);
  return secrets.error().sentence();
}
std::string with(const Json& entry, const char* key, const Json& value) {
  auto changed = entry;
  changed[key] = value;
  return refusal(Json::array({changed}));
}
std::string head_of(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: api.org\r\n" + fields + "\r\n"; }

}  // namespace

TEST_CASE("secrets: a host without a port means port 443, and names below mean no name itself") {
  auto secrets = made(Json::array({secret("A", "v", {"api.org", "*.x.org:8443", "b.org:1000-1002"})}));
  CHECK(secrets.has("api.org", 443));
  CHECK_FALSE(secrets.has("api.org", 80));
  CHECK_FALSE(secrets.has("sub.api.org", 443));
  CHECK(secrets.has("a.x.org", 8443));
  CHECK(secrets.has("b.a.x.org", 8443));
  CHECK_FALSE(secrets.has("x.org", 8443));
  CHECK_FALSE(secrets.has("ax.org", 8443));
  CHECK_FALSE(secrets.has("a.x.org", 443));
  CHECK(secrets.has("b.org", 1001));
  CHECK(secrets.has_port(8443));
  CHECK_FALSE(secrets.has_port(80));
  CHECK(made(Json::array()).empty());
  CHECK(Secrets::from_json(nullptr)->empty());
}

TEST_CASE("secrets: fields that say where a message goes or ends stay") {
  auto secrets = made(Json::array({secret("A", "v")}));
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "TE", "Trailer", "Upgrade"})
    CHECK(secrets.swap_field(name, "banger-secret-A", "api.org", 443, 100).outcome == Swapped::same);
  for (const char* name : {"cookie", "X-Api-Key", "authorization"}) {
    auto swapped = secrets.swap_field(name, "a banger-secret-A.", "api.org", 443, 100);
    CHECK(swapped.outcome == Swapped::swapped);
    CHECK(swapped.text == "a v.");
  }
}

TEST_CASE("secrets: the longest placeholder counts, and a value is not looked through again") {
  auto secrets = made(Json::array({secret("A", "banger-secret-AB"), secret("AB", "two"),
                                   secret("ABC", "three", {"other.org"}), secret("N", nullptr)}));
  auto text = [&](const char* value) { return secrets.swap_field("x", value, "api.org", 443, 100).text; };
  CHECK(text("banger-secret-A banger-secret-AB") == "banger-secret-AB two");
  CHECK(text("banger-secret-ABC") == "banger-secret-ABC");
  CHECK(text("banger-secret-Abanger-secret-ABx") == "banger-secret-ABtwox");
  CHECK(text("banger-secret-") == "banger-secret-");
  auto missing = secrets.swap_field("x", "banger-secret-N", "api.org", 443, 100);
  CHECK(missing.outcome == Swapped::missing);
  CHECK(missing.text == "N");
}

TEST_CASE("secrets: Basic credentials change in base64, other credentials as they stand") {
  auto secrets = made(Json::array({secret("A", "v")}));
  auto swap = [&](const std::string& name, const std::string& value) {
    return secrets.swap_field(name, value, "api.org", 443, 100).text;
  };
  auto before = to_base64("banger-secret-A:x"), after = to_base64("v:x");
  CHECK(swap("Authorization", "Basic " + before) == "Basic " + after);
  CHECK(swap("proxy-authorization", "bAsIc   " + before) == "bAsIc   " + after);
  CHECK(swap("X-Other", "Basic " + before) == "Basic " + before);
  CHECK(swap("Authorization", "Basic banger-secret-A") == "Basic v");
  CHECK(swap("Authorization", "Basic " + to_base64("a:b")) == "Basic " + to_base64("a:b"));
  CHECK(swap("Authorization", "Basic") == "Basic");
  CHECK(swap("Authorization", "Basic ") == "Basic ");
}

TEST_CASE("secrets: a head keeps every byte but the placeholders of its fields") {
  auto secrets = made(Json::array({secret("A", "v")}));
  auto head =
      "GET /banger-secret-A HTTP/1.1\r\nHost: api.org\r\nbanger-secret-A: x\r\nEmpty:\r\nB:\t banger-secret-A \r\n\r\n";
  auto swapped = secrets.swap_head(head, "api.org", 443);
  CHECK(swapped.outcome == Swapped::swapped);
  CHECK(swapped.text ==
        "GET /banger-secret-A HTTP/1.1\r\nHost: api.org\r\nbanger-secret-A: x\r\nEmpty:\r\nB:\t v \r\n\r\n");
  CHECK(secrets.swap_head(head, "other.org", 443).text == head);
  CHECK(secrets.swap_head(head, "api.org", 444).outcome == Swapped::same);
}

TEST_CASE("secrets: many placeholders make no head beyond the limit") {
  auto secrets = made(Json::array({secret("A", std::string(limits::kSecretBytes, 'v'))}));
  std::string fields;
  for (int i = 0; i < 7; ++i) fields += "X: banger-secret-A\r\n";
  auto fits = secrets.swap_head(head_of(fields), "api.org", 443);
  CHECK(fits.outcome == Swapped::swapped);
  CHECK(fits.text.size() > 7 * limits::kSecretBytes);
  CHECK(secrets.swap_head(head_of(fields + fields), "api.org", 443).outcome == Swapped::too_large);
  std::string one = "X: ";
  for (int i = 0; i < 900; ++i) one += "banger-secret-A";
  CHECK(secrets.swap_head(head_of(one + "\r\n"), "api.org", 443).outcome == Swapped::too_large);
}

TEST_CASE("secrets: what cannot be a secret is refused, without its value in the sentence") {
  auto good = secret("A", "topsecret");
  for (const char* bad : {"topsecret\n", "top\rsecret", "topsecret\x7f"})
    CHECK(with(good, "value", bad).find("topsecret") == std::string::npos);
  CHECK(with(good, "value", std::string("topsecret\0", 10)) ==
        "the value of the secret A has a control character, such as the end of a line (hint: give one line without its "
        "end)");
  CHECK(with(good, "value", std::string(limits::kSecretBytes + 1, 'x')).find("is too long") != std::string::npos);
  CHECK(with(good, "value", "").find("is empty") != std::string::npos);
  CHECK(with(good, "value", 5).find("is not a text") != std::string::npos);
  CHECK(with(good, "name", "A-B").find("environment variable") != std::string::npos);
  CHECK(with(good, "placeholder", "").find("is no word") != std::string::npos);
  CHECK(with(good, "hosts", Json::array()).find("0 hosts") != std::string::npos);
  CHECK(with(good, "hosts", {"10.0.0.1"}).find("an address in the place of a host") != std::string::npos);
  CHECK(with(good, "hosts", {"a b"}).find("is not a host name") != std::string::npos);
  CHECK(refusal(Json::array({good, good})).find("have one placeholder") != std::string::npos);
  CHECK(refusal("x").find("are a list") != std::string::npos);
}

TEST_CASE("secrets: a value that is not known comes from others with that name, and the rest is missing") {
  auto now = made(Json::array({secret("A", nullptr), secret("B", "new"), secret("C", nullptr)}));
  CHECK(now.missing() == std::vector<std::string>{"A", "C"});
  now.fill_from(made(Json::array({secret("A", "old"), secret("B", "old"), secret("C", nullptr), secret("D", "old")})));
  CHECK(now.missing() == std::vector<std::string>{"C"});
  auto sent = [&](const std::string& name) {
    return now.swap_field("x-key", "banger-secret-" + name, "api.org", 443, 1000).text;
  };
  CHECK(sent("A") == "old");
  CHECK(sent("B") == "new");
  CHECK(sent("D") == "banger-secret-D");
}
