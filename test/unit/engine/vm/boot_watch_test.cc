#include "engine/vm/boot_watch.h"

#include "catch.h"
#include "engine/bounds.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
using namespace std::chrono_literals;

namespace {

const host::Clock::time_point kStart{};

}  // namespace

TEST_CASE("boot watch: a boot that works steadily does not hang") {
  BootWatch watch(1);
  for (auto second = 0s; second < 100s; second += 1s) CHECK_FALSE(watch.hangs(kStart + second, second.count() * 200ms));
}

TEST_CASE("boot watch: a guest hangs when it has used more processor time than any boot needs") {
  BootWatch one(1), two(2);
  CHECK_FALSE(one.hangs(kStart + 1s, limits::kBootProcessorTime - 1us));
  CHECK(one.hangs(kStart + 1s, limits::kBootProcessorTime));
  CHECK_FALSE(two.hangs(kStart + 1s, limits::kBootProcessorTime));
  CHECK(two.hangs(kStart + 1s, 2 * limits::kBootProcessorTime));
}

TEST_CASE("boot watch: a guest hangs when it has been idle for long") {
  BootWatch watch(1);
  CHECK_FALSE(watch.hangs(kStart, 2s));
  CHECK_FALSE(watch.hangs(kStart + limits::kIdleBoot - 1s, 2s + limits::kIdleProcessorTime - 1us));
  CHECK(watch.hangs(kStart + limits::kIdleBoot, 2s + limits::kIdleProcessorTime - 1us));
}

TEST_CASE("boot watch: little work after a pause begins a new wait") {
  BootWatch watch(1);
  CHECK_FALSE(watch.hangs(kStart, 2s));
  CHECK_FALSE(watch.hangs(kStart + limits::kIdleBoot - 1s, 2s + limits::kIdleProcessorTime));
  CHECK_FALSE(watch.hangs(kStart + limits::kIdleBoot + 1s, 2s + limits::kIdleProcessorTime));
  CHECK(watch.hangs(kStart + 2 * limits::kIdleBoot - 1s, 2s + limits::kIdleProcessorTime));
}

TEST_CASE("boot watch: a guest whose processors are stopped does not hang") {
  BootWatch watch(1);
  CHECK_FALSE(watch.hangs(kStart, 2s));
  watch.stands(kStart + limits::kIdleBoot);
  CHECK_FALSE(watch.hangs(kStart + limits::kIdleBoot, 2s));
}

TEST_CASE("boot watch: a thread that waits for a disk of the host is found by its state") {
  test::TempDir dir;
  auto add = [&](const std::string& thread, const std::string& stat) {
    REQUIRE(host::make_directories(dir / thread));
    REQUIRE(host::write_file(dir / (thread + "/stat"), stat, 0600));
  };
  CHECK_FALSE(waits_for_disk(dir / "gone"));
  add("1", "1 (qemu) S 0 1");
  add("2", "2 (odd) D name) R 0 1");
  add("3", "");
  CHECK_FALSE(waits_for_disk(dir.path()));
  add("4", "4 (worker) D 0 1");
  CHECK(waits_for_disk(dir.path()));
  CHECK_FALSE(waits_for_disk("/proc/self/task"));
}
