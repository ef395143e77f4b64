#include "image/oci/credentials.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <optional>

#include "catch.h"
#include "host/files.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace image::oci;

namespace {

struct Fixture {
  test::TempDir directory;
  std::map<std::string, std::string> env;

  std::string path(std::string_view name) { return directory.path() + "/" + std::string(name); }
  CredentialSources sources() {
    return {.env = [this](const std::string& name) -> std::optional<std::string> {
              auto found = env.find(name);
              return found == env.end() ? std::nullopt : std::optional(found->second);
            },
            .home = path("home"),
            .environment = {"PATH=" + directory.path() + ":/usr/bin:/bin"}};
  }
  void write(std::string_view name, std::string_view text, mode_t mode = 0600) {
    auto file = path(name);
    REQUIRE(host::make_directories(file.substr(0, file.rfind('/'))));
    REQUIRE(host::write_file(file, text, mode));
  }
  Result<Login> login(std::string_view reference = "host:5000/app") {
    host::Runtime runtime;
    host::Cancel cancel(runtime);
    auto from = sources();
    return test::run(runtime, find_login(runtime, from, *parse_reference(reference), cancel));
  }
};

constexpr std::string_view kDockerLogin = R"({"auths": {"host:5000": {"username": "docker", "password": "p"}}})";
constexpr std::string_view kPodmanLogin = R"({"auths": {"host:5000": {"username": "podman", "password": "p"}}})";

}  // namespace

TEST_CASE("credentials: files are asked in order, and a missing file is nothing") {
  Fixture f;
  CHECK(f.login()->empty());
  f.env["XDG_RUNTIME_DIR"] = f.path("run");
  f.write("run/containers/auth.json", kPodmanLogin);
  CHECK(f.login()->username == "podman");
  f.write("home/.docker/config.json", kDockerLogin);
  CHECK(f.login()->username == "docker");
  f.env["DOCKER_CONFIG"] = f.path("elsewhere");
  CHECK(f.login()->username == "podman");
  f.env["REGISTRY_AUTH_FILE"] = f.path("one.json");
  CHECK(f.login()->empty());
}

TEST_CASE("credentials: a broken or unreadable file is an error that names the file") {
  Fixture f;
  f.write("home/.docker/config.json", "{\"auths\": secret");
  auto broken = f.login();
  REQUIRE_FALSE(broken);
  CHECK_THAT(broken.error().sentence(), Catch::Matchers::Contains(f.path("home/.docker/config.json: not valid JSON")));
  CHECK_THAT(broken.error().sentence(), !Catch::Matchers::Contains("secret"));
  REQUIRE(host::remove_file(f.path("home/.docker/config.json")));
  REQUIRE(host::make_directories(f.path("home/.docker/config.json")));
  auto unreadable = f.login();
  REQUIRE_FALSE(unreadable);
  CHECK_THAT(unreadable.error().sentence(), Catch::Matchers::Contains("config.json"));
}

TEST_CASE("credentials: a FIFO in place of a file is an error, and nothing waits for its writer") {
  Fixture f;
  REQUIRE(host::make_directories(f.path("home/.docker")));
  REQUIRE(::mkfifo(f.path("home/.docker/config.json").c_str(), 0600) == 0);
  auto fifo = f.login();
  REQUIRE_FALSE(fifo);
  CHECK_THAT(fifo.error().sentence(),
             Catch::Matchers::Contains(f.path("home/.docker/config.json is not a regular file")));
}

TEST_CASE("credentials: a helper gives the login, and gets the registry on its stdin") {
  Fixture f;
  f.write("home/.docker/config.json", R"({"credHelpers": {"host:5000": "here"}})");
  f.write("docker-credential-here",
          "#!/bin/sh\nread server\necho \"{\\\"Username\\\": \\\"$1-$server\\\", \\\"Secret\\\": \\\"s\\\"}\"\n", 0700);
  CHECK(f.login()->username == "get-host:5000");
  f.write("docker-credential-here", "#!/bin/sh\necho credentials not found in native keychain\nexit 1\n", 0700);
  CHECK(f.login()->empty());
}

TEST_CASE("credentials: a helper that is missing, fails or talks nonsense is an error without its output") {
  Fixture f;
  f.write("home/.docker/config.json", R"({"credsStore": "here"})");
  auto missing = f.login();
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().sentence(), Catch::Matchers::Contains("no program docker-credential-here"));
  for (std::string_view script :
       {"#!/bin/sh\necho hidden\nexit 3\n", "#!/bin/sh\necho hidden\n", "#!/bin/sh\nexec yes hidden\n"}) {
    f.write("docker-credential-here", script, 0700);
    auto failed = f.login();
    REQUIRE_FALSE(failed);
    CHECK_THAT(failed.error().sentence(), Catch::Matchers::Contains("credential helper docker-credential-here"));
    CHECK_THAT(failed.error().sentence(), !Catch::Matchers::Contains("hidden"));
  }
}
