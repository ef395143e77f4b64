#include "machine/firecracker/metrics.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "machine/bounds.h"
#include "machine/firecracker/firecracker.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

/// A metrics file as Firecracker writes it: at its own offset, even if the file changes.
struct Writer {
  explicit Writer(const std::string& directory) : path(directory + "/" + std::string(kMetricsFile)) {}
  void write(std::string_view text) {
    auto file = host::open_file(path, O_WRONLY);
    REQUIRE(file);
    REQUIRE(::pwrite(file->get(), text.data(), text.size(), offset) == static_cast<ssize_t>(text.size()));
    offset += static_cast<off_t>(text.size());
  }
  std::string path;
  off_t offset = 0;
};

std::uint64_t figure(const Result<MachineMetrics>& metrics, std::string_view name) {
  REQUIRE(metrics);
  auto it = metrics->figures.find(name);
  return it == metrics->figures.end() ? 0 : it->second;
}

const std::string kLine = R"({"block":{"read_bytes":10,"write_bytes":20},"vcpu":{"exit_io_in":1,"exit_io_out":2},)"
                          R"("latencies_us":{"pause_vm":7}})"
                          "\n";

}  // namespace

TEST_CASE("firecracker metrics: lines add up, latencies are the last, exits of both directions are one figure") {
  MachineMetrics sums;
  REQUIRE(add_metrics_line(kLine, sums));
  REQUIRE(add_metrics_line(R"({"block":{"read_bytes":5},"latencies_us":{"pause_vm":3},"net":{"rx_bytes_count":9},)"
                           R"("balloon":{"free_page_report_freed":4096}})",
                           sums));
  CHECK(sums.figures["disk_read_bytes"] == 15);
  CHECK(sums.figures["disk_written_bytes"] == 20);
  CHECK(sums.figures["vcpu_io_exits"] == 3);
  CHECK(sums.figures["net_received_bytes"] == 9);
  CHECK(sums.figures["balloon_returned_bytes"] == 4096);
  CHECK(sums.figures["pause_us"] == 3);
}

TEST_CASE("firecracker metrics: malformed numbers count nothing, and sums do not overflow") {
  MachineMetrics sums;
  CHECK(!add_metrics_line("", sums));
  CHECK(!add_metrics_line("[1]", sums));
  CHECK(!add_metrics_line("{\"block\":", sums));
  CHECK(!add_metrics_line("{" + std::string(limits::kMetricsLineBytes, ' ') + "}", sums));
  CHECK(sums.figures.empty());
  REQUIRE(add_metrics_line(R"({"block":{"read_bytes":-1,"write_bytes":"many","read_count":1.5},"net":7,"vcpu":null})",
                           sums));
  for (const auto& [name, value] : sums.figures) CHECK(value == 0);
  REQUIRE(add_metrics_line(R"({"block":{"read_bytes":18446744073709551615}})", sums));
  REQUIRE(add_metrics_line(R"({"block":{"read_bytes":2}})", sums));
  CHECK(sums.figures["disk_read_bytes"] == UINT64_MAX);
}

TEST_CASE(
    "firecracker metrics: each line counts once, also for a daemon that comes later, and takes no room afterwards") {
  TempDir directory;
  REQUIRE(make_metrics_file(directory.path()));
  CHECK(has_metrics(directory.path()));
  Writer writer(directory.path());
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 0);
  writer.write(kLine + kLine + kLine.substr(0, 20));
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 20);
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 20);
  writer.write(kLine.substr(20));
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 30);
  for (int i = 0; i < 3000; ++i) writer.write(kLine);
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 30030);
  CHECK(host::disk_usage(writer.path) <= 8192);

  REQUIRE(remove_metrics(directory.path()));
  REQUIRE(make_metrics_file(directory.path()));
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 0);
  REQUIRE(remove_metrics(directory.path()));
  CHECK(!has_metrics(directory.path()));
  CHECK(collect_metrics(directory.path()).error().code == ErrorCode::not_found);
}

TEST_CASE("firecracker metrics: a file that is nonsense, too long or something else is passed over") {
  TempDir directory;
  REQUIRE(make_metrics_file(directory.path()));
  Writer writer(directory.path());
  writer.write("nonsense\n" + kLine);
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 10);
  // One line without end: the line is skipped, and the text after it counts.
  writer.write(std::string(limits::kMetricsReadBytes + 4096, 'x'));
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 10);
  writer.write("\n" + kLine);
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 20);
  CHECK(host::disk_usage(writer.path) <= 16384);

  REQUIRE(host::write_file(directory.path() + "/metrics.json", R"({"figures":[],"offset":99999999999999})"));
  CHECK(figure(collect_metrics(directory.path()), "disk_read_bytes") == 0);

  REQUIRE(host::remove_file(writer.path));
  REQUIRE(::mkfifo(writer.path.c_str(), 0600) == 0);
  CHECK(!collect_metrics(directory.path()));
  REQUIRE(host::remove_file(writer.path));
  REQUIRE(::symlink("/etc/passwd", writer.path.c_str()) == 0);
  CHECK(!collect_metrics(directory.path()));
}
