#include "machine/log_bound.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bounds.h"
#include "machine/bounds.h"
#include "machine/machine_log.h"
#include "support.h"

using namespace banger;
using namespace banger::machine;

namespace {

void append(int log, std::size_t bytes) {
  std::string line = std::string(1023, 'x') + "\n";
  for (std::size_t i = 0; i < bytes / line.size(); ++i) REQUIRE(host::write_all(log, line));
}

}  // namespace

TEST_CASE("log bound: a log that grows for ever takes no more than its bound, and its end is kept") {
  TempDir directory;
  auto path = directory.path() + "/console.log";
  auto log = host::open_file(path, O_RDWR | O_CREAT | O_APPEND, 0600);
  REQUIRE(log);
  append(log->get(), limits::kLogBytes / 2);
  CHECK(*bound_log(path) == false);
  for (int round = 0; round < 4; ++round) {
    append(log->get(), limits::kLogBytes);
    CHECK(*bound_log(path) == true);
    CHECK(host::disk_usage(path) <= limits::kLogKeptBytes + 8192);
  }
  REQUIRE(host::write_all(log->get(), "the last words\n"));
  CHECK(read_tail(path).ends_with("the last words\n"));
  CHECK(*bound_log(path) == false);

  // A reader of the whole log begins with text.
  auto begin = first_text(log->get(), 0);
  char byte = 0;
  REQUIRE(::pread(log->get(), &byte, 1, begin) == 1);
  CHECK(byte == 'x');
  auto end = ::lseek(log->get(), 0, SEEK_END);
  CHECK(first_text(log->get(), end) == end);
  CHECK(first_text(log->get(), end - 5) == end - 5);
}

TEST_CASE("log bound: what writes at an offset of its own goes on there") {
  TempDir directory;
  auto path = directory.path() + "/firecracker.log";
  auto log = host::open_file(path, O_RDWR | O_CREAT, 0600);
  REQUIRE(log);
  append(log->get(), limits::kLogBytes + limits::kMiB);
  CHECK(*bound_log(path) == true);
  append(log->get(), limits::kMiB);
  CHECK(host::disk_usage(path) <= limits::kLogKeptBytes + limits::kMiB + 8192);
}

TEST_CASE("log bound: nothing, a pipe or a link is left alone") {
  TempDir directory;
  CHECK(*bound_log(directory.path() + "/none") == false);
  auto path = directory.path() + "/machine.log";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(!bound_log(path).value_or(false));
  REQUIRE(host::remove_file(path));
  auto target = directory.path() + "/target";
  REQUIRE(host::write_file(target, std::string(limits::kLogBytes + limits::kMiB, 'x')));
  REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
  CHECK(!bound_log(path));
  bound_logs(directory.path());
  CHECK(host::disk_usage(target) > limits::kLogBytes);
}
