#include "roles/agent/proc_stats.h"

#include "catch.h"

using namespace banger::roles::agent;

TEST_CASE("proc_stats: CPU use is the busy share of all ticks between two samples") {
  auto before = parse_cpu("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n");
  auto after = parse_cpu("cpu  150 0 60 830 60 0 0 100 0 0\n");
  REQUIRE(before);
  REQUIRE(after);
  CHECK(before->total == 1000);
  CHECK(cpu_percent(*before, *after) == Approx(30.0));
  CHECK(cpu_percent(*after, *before) == 0);
  CHECK(cpu_percent(*after, *after) == 0);
}

TEST_CASE("proc_stats: malformed text counts as zero") {
  CHECK(!parse_cpu(""));
  CHECK(!parse_cpu("intr 1 2 3 4 5 6 7 8 9\n"));
  CHECK(parse_meminfo("garbage\nMemTotal:\n").total_bytes == 0);
  CHECK(parse_diskstats("1 2 vda\n", [](auto) { return true; }).in_bytes == 0);
  CHECK(parse_net_dev("eth0 no colon\neth0: 1 2\n", [](auto) { return true; }).in_bytes == 0);
  CHECK(parse_load1("") == 0);
}

TEST_CASE("proc_stats: used memory is the unavailable memory") {
  auto memory = parse_meminfo("MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:     600 kB\n");
  CHECK(memory.total_bytes == 1000 * 1024);
  CHECK(memory.used_bytes == 400 * 1024);
  auto old = parse_meminfo("MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 250 kB\n");
  CHECK(old.used_bytes == 600 * 1024);
}

TEST_CASE("proc_stats: disk traffic is that of the wanted devices, in bytes") {
  auto traffic = parse_diskstats(
      " 254       0 vda 10 0 16 5 20 0 32 7 0 12 12 0 0 0 0 0 0\n"
      " 254       1 vda1 10 0 16 5 20 0 32 7 0 12 12 0 0 0 0 0 0\n"
      " 254      16 vdb 1 0 2 5 1 0 4 7 0 12 12\n",
      [](std::string_view name) { return name != "vda1"; });
  CHECK(traffic.in_bytes == 18 * 512);
  CHECK(traffic.out_bytes == 36 * 512);
}

TEST_CASE("proc_stats: network traffic is that of the wanted devices") {
  auto traffic = parse_net_dev(
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
      "compressed\n"
      "    lo:    5000      10    0    0    0     0          0         0     5000      10    0    0    0     0       0 "
      "         0\n"
      "  eth0:123       4    0    0    0     0          0         0      456       7    0    0    0     0       0      "
      "    0\n",
      [](std::string_view name) { return name == "eth0"; });
  CHECK(traffic.in_bytes == 123);
  CHECK(traffic.out_bytes == 456);
}

TEST_CASE("proc_stats: load") { CHECK(parse_load1("0.52 0.58 0.59 1/597 12345\n") == Approx(0.52)); }
