// Programs run to their end, in every way to end, with and without processes that they leave running.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "host/runtime.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;
using namespace std::chrono_literals;

namespace {

Result<Output> run_shell(const std::string& script, std::chrono::milliseconds timeout = 30s,
                         std::size_t max_bytes = 1 << 20) {
  Runtime runtime;
  SpawnSpec spec{.argv = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}};
  return test::run(runtime, run_command(runtime, std::move(spec), after(timeout), max_bytes));
}

bool alive(pid_t pid) { return process_id(pid).has_value(); }

}  // namespace

TEST_CASE("command: output, error output and exit code; failing is not an error of ours") {
  auto output = run_shell("echo out; echo err >&2; exit 7");
  REQUIRE(output);
  CHECK(output->out == "out\n");
  CHECK(output->err == "err\n");
  CHECK(output->status.code == 7);
  CHECK(run_shell("kill -9 $$")->status.signal == SIGKILL);
  CHECK(run_shell("cat")->out.empty());
}

TEST_CASE("command: a program that is not there is") {
  Runtime runtime;
  CHECK(test::run(runtime, run_command(runtime, {.argv = {"no-such-program"}}, after(10s))).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("command: stdin is what was given") {
  Runtime runtime;
  UniqueFd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  auto output = test::run(runtime, run_command(runtime, {.argv = {"/bin/cat"}, .stdin_fd = file.get()}, after(10s)));
  REQUIRE(output);
  CHECK(output->out.find("root:") != std::string::npos);
}

TEST_CASE("command: much output on both sides is drained, kept to the limit: the first of one, the last of the other") {
  auto output = run_shell("echo first; seq 1 1000000; { seq 1 1000000; echo last; } >&2", 60s, 10'000);
  REQUIRE(output);
  CHECK(output->status.code == 0);
  CHECK(output->out.size() == 10'000);
  CHECK(output->out.starts_with("first\n1\n2\n"));
  CHECK(output->err.size() == 10'000);
  CHECK(output->err.ends_with("1000000\nlast\n"));
}

TEST_CASE("command: at the deadline it is ended, and the error names it") {
  Runtime runtime;
  auto failed = test::run(runtime, run_command(runtime, {.argv = {"/bin/sleep", "1000"}}, after(50ms)));
  CHECK(failed.error().code == ErrorCode::timeout);
  CHECK(failed.error().message.find("/bin/sleep") != std::string::npos);
  CHECK(run_shell("yes", 100ms, 1000).error().code == ErrorCode::timeout);
}

TEST_CASE("command: a grandchild that keeps the pipes does not keep us") {
  auto output = run_shell("sleep 1000 & echo $!");
  REQUIRE(output);
  pid_t grandchild = std::stoi(output->out);
  CHECK(alive(grandchild));
  ::kill(grandchild, SIGKILL);
  // A program that writes for ever meets a closed pipe.
  output = run_shell("yes & echo $! >&2", 30s, 100);
  REQUIRE(output);
  CHECK(output->out.size() == 100);
  grandchild = std::stoi(output->err);
  for (int i = 0; i < 1000 && alive(grandchild); ++i) ::usleep(10'000);
  CHECK_FALSE(alive(grandchild));
}

TEST_CASE("command: a grandchild that keeps the pipes past the deadline does not keep us either") {
  auto failed = run_shell("sleep 3 & sleep 1000", 50ms);
  CHECK(failed.error().code == ErrorCode::timeout);
}

TEST_CASE("command: at the deadline its own children end with it") {
  test::TempDir directory;
  auto file = directory / "pid";
  auto failed = run_shell("sleep 1000 & echo $! >" + file + "; wait", 500ms);
  CHECK(failed.error().code == ErrorCode::timeout);
  auto text = read_file(file, 64);
  REQUIRE(text);
  pid_t grandchild = std::stoi(*text);
  for (int i = 0; i < 1000 && alive(grandchild); ++i) ::usleep(10'000);
  CHECK_FALSE(alive(grandchild));
}

TEST_CASE("command: many at once") {
  Runtime runtime;
  auto good = std::make_shared<int>(0);
  for (int i = 0; i < 40; ++i) {
    runtime.spawn([](Runtime* r, std::shared_ptr<int> count, int n) -> Task<> {
      auto output = co_await run_command(*r, {.argv = {"/bin/echo", std::to_string(n)}}, after(60s));
      if (output && output->out == std::to_string(n) + "\n") ++*count;
    }(&runtime, good, i));
  }
  runtime.run();
  CHECK(*good == 40);
}

TEST_CASE("command: running out of descriptors at any point is an error, not a crash") {
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  int errors = 0;
  for (rlim_t extra = 0; extra < 24; ++extra) {
    Runtime runtime;
    UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit tight{static_cast<rlim_t>(next.get()) + extra, old.rlim_max};
    next.reset();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    auto output = test::run(runtime, run_command(runtime, {.argv = {"/bin/echo", "x"}}, after(30s)));
    ::setrlimit(RLIMIT_NOFILE, &old);
    if (!output)
      ++errors;
    else
      CHECK(output->out == "x\n");
  }
  CHECK(errors > 0);
  CHECK(errors < 24);
}
