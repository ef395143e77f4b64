// Log lines: one write each, levels, and values that cannot break the line.
#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <regex>

#include "base/unique_fd.h"
#include "catch.h"

using namespace banger;

namespace {
struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
    read = UniqueFd(fds[0]);
    write = UniqueFd(fds[1]);
  }
  std::string take() {
    char bytes[16384];
    ssize_t got = ::read(read.get(), bytes, sizeof bytes);
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : "";
  }
  UniqueFd read, write;
};
}  // namespace

TEST_CASE("log: a line has time, level, event and fields") {
  Pipe pipe;
  Logger(pipe.write.get()).info("vm.start", {{"vm", "web"}, {"ms", "1200"}});
  auto line = pipe.take();
  INFO(line);
  CHECK(
      std::regex_match(line, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info vm\.start vm=web ms=1200\n)")));
}

TEST_CASE("log: lines below the level are not written") {
  Pipe pipe;
  Logger log(pipe.write.get(), LogLevel::warn);
  log.debug("a");
  log.info("b");
  CHECK(pipe.take().empty());
  log.warn("c");
  log.error("d");
  auto text = pipe.take();
  CHECK(text.find(" warn c\n") != std::string::npos);
  CHECK(text.find(" error d\n") != std::string::npos);
}

TEST_CASE("log: a value from outside cannot start a line or a field") {
  Pipe pipe;
  Logger(pipe.write.get()).info("e", {{"a", "x\ny"}, {"b", "say \"hi\" b=1"}, {"c", ""}});
  auto text = pipe.take();
  CHECK(text.ends_with(" a=\"x\\x0ay\" b=\"say \\\"hi\\\" b=1\" c=\"\"\n"));
}

TEST_CASE("log: a full or closed log does no harm") {
  Pipe pipe;
  Logger log(pipe.write.get());
  for (int i = 0; i < 2000; ++i) log.info("event", {{"text", std::string(100, 'x')}});
  Logger(-1).error("nobody listens");
  CHECK(pipe.take().size() == 16384);
}

TEST_CASE("log: level names") {
  CHECK(parse_log_level("warn") == LogLevel::warn);
  CHECK(parse_log_level("Warn").error().hint == "use debug, info, warn or error");
}
