#include "image/oci/docker_config.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "catch.h"

using namespace banger;
using namespace image::oci;

namespace {

DockerConfig parsed(std::string_view text) {
  auto config = parse_docker_config(text);
  INFO((config ? "" : config.error().sentence()));
  REQUIRE(config);
  return *config;
}

std::string user_for(const DockerConfig& config, std::string_view reference) {
  auto read = parse_reference(reference);
  REQUIRE(read);
  const auto* login = config.login_for(*read);
  return login ? login->username : "nobody";
}

std::string entry(std::string_view user) {
  return fmt::format(R"({{"auth": "{}"}})", to_base64(fmt::format("{}:pa:ss", user)));
}

std::string error_of(std::string_view text) {
  auto config = parse_docker_config(text);
  return config ? "" : config.error().sentence();
}

}  // namespace

TEST_CASE("docker config: the login with the most exact key counts") {
  auto config = parsed(fmt::format(
      R"({{"auths": {{"https://index.docker.io/v1/": {}, "host:5000": {}, "host:5000/team": {},
          "https://url.test/v2/": {}, "host:5000/team/app": {}, "empty.test": {{}},
          "CAPITALS:5000": {}, "ALONE": {}}}}})",
      entry("hub"), entry("all"), entry("team"), entry("url"), entry("app"), entry("capitals"), entry("alone")));
  CHECK(user_for(config, "Alone/x") == "alone");
  CHECK(user_for(config, "Capitals:5000/x") == "capitals");
  CHECK(user_for(config, "python") == "hub");
  CHECK(user_for(config, "host:5000/x") == "all");
  CHECK(user_for(config, "host:5000/team/other") == "team");
  CHECK(user_for(config, "host:5000/team/app:v1") == "app");
  CHECK(user_for(config, "host:5000/teams") == "all");
  CHECK(user_for(config, "url.test/x") == "url");
  CHECK(user_for(config, "empty.test/x") == "nobody");
  CHECK(user_for(config, "other.test/x") == "nobody");
  CHECK(config.logins["host:5000"].password == "pa:ss");
}

TEST_CASE("docker config: identity tokens and plain user names are logins too") {
  auto config =
      parsed(R"({"auths": {"a.test": {"identitytoken": "t"}, "b.test": {"username": "u", "password": "p"}}})");
  CHECK(config.logins["a.test"].identity_token == "t");
  CHECK(config.logins["b.test"] == Login{.username = "u", .password = "p", .identity_token = {}});
}

TEST_CASE("docker config: a registry's own helper is asked before the common one") {
  auto config =
      parsed(R"({"credsStore": "pass", "credHelpers": {"host:5000": "cloud"}, "auths": null, "psFormat": 1})");
  CHECK(config.helper_for(*parse_reference("host:5000/x")) == "cloud");
  CHECK(config.helper_for(*parse_reference("python")) == "pass");
  CHECK(helper_key("docker.io") == "https://index.docker.io/v1/");
  CHECK(helper_key("host:5000") == "host:5000");
}

TEST_CASE("docker config: a broken file is refused without its secrets") {
  using Catch::Matchers::Contains;
  CHECK_THAT(error_of("{"), Contains("not valid JSON"));
  CHECK_THAT(error_of("[]"), Contains("must be a JSON object"));
  CHECK_THAT(error_of(R"({"auths": []})"), Contains("'auths' must be an object"));
  auto secret = error_of(R"({"auths": {"a.test": {"auth": "hidden"}}})");
  CHECK_THAT(secret, Contains("'auths', 'a.test': field 'auth' is not the base64"));
  CHECK_THAT(secret, !Contains("hidden"));
  CHECK_THAT(error_of(R"({"auths": {"a.test": {"auth": 7}}})"), Contains("'auth'"));
  CHECK_THAT(error_of(R"({"credsStore": "../../evil"})"), Contains("not the name of a credential helper"));
  CHECK_THAT(error_of(R"({"credHelpers": {"a.test": "x y"}})"), Contains("not the name of a credential helper"));
  CHECK_THAT(error_of(R"({"credHelpers": {"a.test": 1}})"), Contains("must be a string"));
}

TEST_CASE("docker config: a helper's answer is a password or an identity token") {
  CHECK(parse_helper_login(R"({"ServerURL": "x", "Username": "u", "Secret": "s"})")->password == "s");
  CHECK(parse_helper_login(R"({"Username": "<token>", "Secret": "s"})")->identity_token == "s");
  CHECK_FALSE(parse_helper_login("no login"));
}
