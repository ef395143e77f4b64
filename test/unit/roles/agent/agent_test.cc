// The agent's command line, run as the process runs it.
#include "roles/agent/agent.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;
using test::TempDir;

namespace {

struct Said {
  int status = -1;
  std::string out, err;
};

// In a child, because it prints to the process's own stdout.
Said say(std::vector<std::string> words) {
  TempDir dir;
  pid_t pid = ::fork();
  if (pid == 0) {
    for (auto [fd, name] : {std::pair{1, "out"}, {2, "err"}})
      ::dup2(::open((dir / name).c_str(), O_WRONLY | O_CREAT, 0600), fd);
    std::vector<char*> argv{const_cast<char*>("banger-agent")};
    for (auto& word : words) argv.push_back(word.data());
    int status = run_agent(static_cast<int>(argv.size()), argv.data());
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, host::read_file(dir / "out", 1 << 20).value_or(""),
          host::read_file(dir / "err", 1 << 20).value_or("")};
}

}  // namespace

TEST_CASE("agent: prints its version and its usage") {
  auto version = say({"--version"});
  CHECK(version.status == 0);
  CHECK(version.out == std::string("banger-agent ") + BANGER_VERSION + "\n");
  auto help = say({"--help"});
  CHECK(help.status == 0);
  for (const char* word : {"serve", "apply", "ready"}) CHECK(help.out.find(word) != std::string::npos);
  CHECK(say({}).status == 2);
}

TEST_CASE("agent: wrong usage gives an error with the nearest option") {
  auto command = say({"serv"});
  CHECK(command.status == 2);
  CHECK(command.err.find("'serve'") != std::string::npos);
  auto option = say({"serve", "--rundir", "/x"});
  CHECK(option.status == 2);
  CHECK(option.err.find("--run-dir") != std::string::npos);
  CHECK(say({"serve", "--run-dir"}).status == 2);
  CHECK(say({"serve", "--channel-fd", "x"}).status == 2);
  CHECK(say({"apply", "a", "b"}).status == 2);
  CHECK(say({"apply", "file-without-root"}).status == 1);
}

TEST_CASE("agent: ready marks the boot target as reached") {
  TempDir dir;
  CHECK(say({"ready", "--run-dir", dir.path()}).status == 0);
  CHECK(RunDir(dir.path()).system_ready());
  CHECK(say({"ready", "--run-dir", "/nonexistent/dir"}).status == 1);
}

TEST_CASE("agent: apply changes a directory as the file says") {
  TempDir dir;
  std::filesystem::create_directories(dir / "root/etc");
  REQUIRE(host::write_file(dir / "config.json", R"({"files":[{"path":"/etc/motd","mode":"0644","data":"aGVsbG8K"}]})"));
  auto done = say({"apply", "--root", dir / "root", dir / "config.json"});
  CHECK(done.err == "");
  CHECK(done.status == 0);
  CHECK(host::read_file(dir / "root/etc/motd", 100) == "hello\n");
  REQUIRE(host::write_file(dir / "bad.json", "{"));
  auto bad = say({"apply", "--root", dir / "root", dir / "bad.json"});
  CHECK(bad.status == 1);
  CHECK(bad.err.find("bad.json") != std::string::npos);
}

TEST_CASE("agent: apply takes TOML, text and other files; a dry run lists, and the status tells of changes") {
  TempDir dir;
  std::filesystem::create_directories(dir / "root/etc");
  REQUIRE(host::write_file(dir / "tool", "#!/bin/sh\n"));
  REQUIRE(host::write_file(dir / "config.toml", R"(
hostname = "box"
[[files]]
path = "/etc/motd"
text = "hello\n"
[[files]]
path = "/usr/local/bin/tool"
mode = "0755"
from = "tool"
[[keys]]
user = "root"
keys = ["ssh-ed25519 AAAA me"]
)"));
  auto apply = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"apply", "--root", dir / "root", dir / "config.toml"};
    words.insert(words.end(), more.begin(), more.end());
    return say(words);
  };
  auto listed = apply({"--dry-run", "--detailed-exitcode"});
  CHECK(listed.err == "");
  CHECK(listed.status == 3);
  CHECK(listed.out == "/etc/hostname\n/etc/motd\n/usr/local/bin/tool\n/root/.ssh\n/root/.ssh/authorized_keys\n");
  CHECK(std::filesystem::is_empty(dir / "root/etc"));
  auto done = apply({"--detailed-exitcode"});
  CHECK(done.status == 3);
  CHECK(done.out == "");
  CHECK(host::read_file(dir / "root/etc/motd", 100) == "hello\n");
  CHECK(host::read_file(dir / "root/usr/local/bin/tool", 100) == "#!/bin/sh\n");
  CHECK(apply({"--detailed-exitcode"}).status == 0);
  CHECK(apply({"--dry-run", "--detailed-exitcode"}).out == "");
  CHECK(apply({"--dry-run"}).status == 0);
  std::filesystem::remove(dir / "root/etc/motd");
  CHECK(apply({}).status == 0);
  CHECK(say({"apply", "--root", dir / "root", dir / "config.toml", "--dry-rn"}).err.find("--dry-run") !=
        std::string::npos);
}

TEST_CASE("agent: serve without a config fails with an error") {
  TempDir dir;
  auto said = say({"serve", "--run-dir", dir.path()});
  CHECK(said.status == 1);
  CHECK(said.err.find("config.json") != std::string::npos);
}

TEST_CASE("agent: serve answers on the given descriptor") {
  TempDir dir;
  std::string token(16, 't');
  REQUIRE(RunDir(dir.path()).save_config({.link_token = token, .environment = {}, .interfaces = {}}));
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  pid_t pid = ::fork();
  if (pid == 0) {
    ::close(fds[1]);
    std::string fd = std::to_string(fds[0]);
    char* argv[] = {const_cast<char*>("banger-agent"), const_cast<char*>("serve"),
                    const_cast<char*>("--run-dir"),    const_cast<char*>(dir.path().c_str()),
                    const_cast<char*>("--channel-fd"), fd.data()};
    ::_exit(run_agent(6, argv));
  }
  ::close(fds[0]);
  host::Runtime runtime(1);
  bool healthy = false;
  auto body = [&]() -> Task<> {
    auto client = co_await link::connect(runtime, UniqueFd(fds[1]), token, host::after(std::chrono::seconds(20)));
    if (client) {
      auto text = co_await (*client)->call("GET", "/health", "", host::after(std::chrono::seconds(20)));
      healthy = text && text->find("agent_ready") != std::string::npos;
      (*client)->close();
    }
    runtime.stop();
  };
  runtime.spawn(body());
  runtime.run();
  CHECK(healthy);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}
