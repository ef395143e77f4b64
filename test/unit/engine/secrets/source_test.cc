// Values from files and commands. No error has anything of a value.
#include "engine/secrets/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include "catch.h"
#include "support/run.h"
#include "support/temp_dir.h"
#include "vm/bounds.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture {
  std::string read(config::SecretSource source) {
    auto value = test::run(runtime, read_secret(runtime, directory.path(), "TOKEN", std::move(source)));
    if (value) return std::string(value->view());
    error = value.error();
    CHECK(error.sentence().find("hush") == std::string::npos);
    return "";
  }
  std::string file(const std::string& text, mode_t mode = 0600) {
    directory.put("token", text);
    REQUIRE(::chmod((directory / "token").c_str(), mode) == 0);
    return read({.file = directory / "token"});
  }
  std::string command(const std::string& command) { return read({.command = command}); }

  test::TempDir directory;
  host::Runtime runtime;
  Error error;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "secret source: a file's content without one line break at its end") {
  CHECK(file("hush") == "hush");
  CHECK(file("hush\n") == "hush");
  CHECK(file("hush\r\n") == "hush");
  CHECK(file("hush", 0400) == "hush");
  CHECK(read({.file = "~/token"}) == "hush");
  CHECK(file("hush\n\n").empty());
  CHECK(error.message ==
        "[secrets.TOKEN]: the value of the secret 'TOKEN' has a line break or another control character");
  CHECK(file("").empty());
  CHECK(error.message == "[secrets.TOKEN]: the value of the secret 'TOKEN' is empty");
  CHECK(file(std::string(limits::kSecretValueBytes, 'x') + "\n").size() == limits::kSecretValueBytes);
  CHECK(file(std::string(limits::kSecretValueBytes + 1, 'x')).empty());
  CHECK(file(std::string(limits::kSecretValueBytes * 9, 'x')).empty());
  CHECK(error.code == ErrorCode::exhausted);
}

TEST_CASE_METHOD(Fixture, "secret source: a file that others could read or change is refused with a way out") {
  for (mode_t mode : {0640u, 0604u, 0620u, 0602u, 0644u}) {
    CHECK(file("hush", mode).empty());
    CHECK(error.code == ErrorCode::denied);
    CHECK(error.message == "[secrets.TOKEN]: " + (directory / "token") + " can be read or written by other users");
    CHECK(error.hint == "chmod 600 " + (directory / "token"));
  }
  if (::geteuid() != 0) return;
  REQUIRE(file("hush") == "hush");
  REQUIRE(::chown((directory / "token").c_str(), 1, 1) == 0);
  CHECK(read({.file = directory / "token"}).empty());
  CHECK(error.message.ends_with(" belongs to another user"));
}

TEST_CASE_METHOD(Fixture, "secret source: a file that is none is an error at once") {
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(read({.file = directory / "fifo"}).empty());
  CHECK(error.code == ErrorCode::invalid);
  CHECK(read({.file = directory / "missing"}).empty());
  CHECK(error.code == ErrorCode::not_found);
  CHECK(read({.file = directory.path()}).empty());
}

TEST_CASE_METHOD(Fixture, "secret source: what a command prints, in the home directory") {
  CHECK(command("echo hush") == "hush");
  CHECK(command("printf hush") == "hush");
  CHECK(command("cat token 2>/dev/null || pwd") == directory.path());
  CHECK(command("head -c 100000 /dev/zero | tr '\\0' x").empty());
  CHECK(error.message.find("the value of the secret 'TOKEN' has") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "secret source: a command that fails is an error without its output") {
  CHECK(command("echo hush; echo hush >&2; exit 3").empty());
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "[secrets.TOKEN]: the command ended with status 3");
  CHECK(error.hint == "run the command by hand; it has no terminal here");
  CHECK(command("kill -9 $$").empty());
  CHECK(error.message.ends_with("status 137"));
  CHECK(command("true").empty());
  CHECK(error.message.ends_with("is empty"));
}
