// The configuration of an image: what is read of an OCI image configuration, and its limits.
#include "guestcfg/run_config.h"

#include <nlohmann/json.hpp>

#include "catch.h"
#include "guestcfg/bounds.h"

using namespace banger;
using namespace banger::guestcfg;

namespace {

std::string refusal(std::string_view text) {
  auto config = parse_run_config(text);
  return config ? "accepted" : config.error().message;
}

}  // namespace

TEST_CASE("run config: a whole image configuration and its inner object say the same") {
  const char* inner =
      R"({"Env": ["PATH=/x:/bin", "A=1"], "Entrypoint": ["/run.sh"], "Cmd": ["serve", "-p 80"],
          "WorkingDir": "/srv", "User": "app:1000", "StopSignal": "SIGQUIT", "ExposedPorts": {"80/tcp": {}}})";
  auto config = parse_run_config(inner);
  REQUIRE(config);
  CHECK(*config == RunConfig{.env = {"PATH=/x:/bin", "A=1"},
                             .entrypoint = {"/run.sh"},
                             .cmd = {"serve", "-p 80"},
                             .working_dir = "/srv",
                             .user = "app:1000",
                             .stop_signal = "SIGQUIT"});
  auto outer = parse_run_config(std::string(R"({"architecture": "amd64", "rootfs": {}, "config": )") + inner + "}");
  REQUIRE(outer);
  CHECK(*outer == *config);
  CHECK(*run_config_from_json(to_json(*config)) == *config);
}

TEST_CASE("run config: absent and null members are empty") {
  for (const char* text :
       {"{}", R"({"config": {}})", R"({"Env": null, "Cmd": null, "User": "", "Entrypoint": null})"}) {
    auto config = parse_run_config(text);
    REQUIRE(config);
    CHECK(config->empty());
    CHECK(to_json(*config) == Json::object());
  }
}

TEST_CASE("run config: another type is refused by its name") {
  CHECK(refusal(R"({"Env": {"A": "1"}})").find("'Env'") != std::string::npos);
  CHECK(refusal(R"({"Cmd": ["a", 1]})").find("'Cmd'") != std::string::npos);
  CHECK(refusal(R"({"Cmd": "sleep 1"})").find("'Cmd'") != std::string::npos);
  CHECK(refusal(R"({"User": 1000})").find("'User'") != std::string::npos);
  CHECK(refusal(R"({"config": []})") == "the image's configuration must be an object");
  CHECK(refusal("[]") == "the image's configuration must be an object");
  CHECK(refusal("{") != "accepted");
}

TEST_CASE("run config: NUL bytes and anything over the limits are refused") {
  CHECK(refusal(R"({"WorkingDir": "/a\u0000b"})") == "field 'WorkingDir' has a NUL byte");
  Json many{{"Env", std::vector<std::string>(limits::kGuestConfigItems + 1, "A=1")}};
  CHECK(refusal(many.dump()).find("has more than") != std::string::npos);
  Json long_text{{"Cmd", {std::string(limits::kRunConfigBytes, 'x')}}};
  CHECK(refusal(long_text.dump()).find("over the limit") != std::string::npos);
  Json long_in_all{{"Env", std::vector<std::string>(3, "A=" + std::string(limits::kRunConfigBytes / 3, 'x'))}};
  CHECK(refusal(long_in_all.dump()).find("over the limit") != std::string::npos);
}

TEST_CASE("run config: the last of two variables counts, and one that no program can have is left out") {
  RunConfig config{.env = {"A=1", "B", "=C", "A=2", "D=", "E=f=g"}};
  CHECK(variables(config) == std::map<std::string, std::string>{{"A", "2"}, {"D", ""}, {"E", "f=g"}});
}
