// The XDG directories and nothing else.
#include "host/paths.h"

#include <map>

#include "catch.h"

using namespace banger;
using namespace banger::host;

namespace {
GetEnv env(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}
}  // namespace

TEST_CASE("paths: the defaults below HOME") {
  auto paths = find_paths(env({{"HOME", "/home/u"}}));
  REQUIRE(paths);
  CHECK(paths->config_file == "/home/u/.config/banger/config.toml");
  CHECK(paths->state == "/home/u/.local/state/banger");
  CHECK(paths->data == "/home/u/.local/share/banger");
  CHECK(paths->cache == "/home/u/.cache/banger");
  CHECK(paths->daemon_socket() == "/home/u/.local/state/banger/run/bangerd.sock");
  CHECK(paths->vm("abc") == "/home/u/.local/state/banger/vms/abc");
}

TEST_CASE("paths: each variable moves its own directory, an empty one none") {
  auto paths = find_paths(env({{"HOME", "/h"},
                               {"XDG_CONFIG_HOME", "/c"},
                               {"XDG_STATE_HOME", "/s"},
                               {"XDG_DATA_HOME", "/d"},
                               {"XDG_CACHE_HOME", ""}}));
  REQUIRE(paths);
  CHECK(paths->config_file == "/c/banger/config.toml");
  CHECK(paths->database() == "/s/banger/banger.db");
  CHECK(paths->images() == "/d/banger/images");
  CHECK(paths->cache == "/h/.cache/banger");
}

TEST_CASE("paths: relative ones are refused, naming the variable") {
  CHECK(find_paths(env({{"HOME", "/h"}, {"XDG_STATE_HOME", "state"}})).error().message ==
        "XDG_STATE_HOME must be an absolute path, not 'state'");
  CHECK(find_paths(env({{"HOME", "h"}})).error().hint == "set HOME to an absolute path");
}

TEST_CASE("paths: a directory that JSON cannot name is refused before anything is in it") {
  for (const char* variable : {"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) {
    auto paths = find_paths(env({{"HOME", "/h"}, {variable, "/x\xff"}}));
    bool names_it = !paths && paths.error().message.find("/x\\xff") != std::string::npos;
    INFO(variable);
    CHECK((names_it || std::string(variable) == "HOME"));
  }
  CHECK(find_paths(env({{"HOME", "/x\xff"}})).error().code == ErrorCode::invalid);
  CHECK(find_paths(env({{"HOME", "/h\xc3\xa9"}})));
}

TEST_CASE("paths: without HOME the passwd entry is used") {
  auto paths = find_paths(env({}));
  if (paths)
    CHECK(paths->home.front() == '/');
  else
    CHECK(paths.error().code == ErrorCode::invalid);
  CHECK(process_env()("PATH").has_value());
  CHECK_FALSE(process_env()("BANGER_NO_SUCH_VARIABLE"));
}
