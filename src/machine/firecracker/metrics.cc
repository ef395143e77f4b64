#include "machine/firecracker/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/files.h"
#include "machine/bounds.h"
#include "machine/firecracker/firecracker.h"

namespace banger::machine::firecracker {

namespace {

constexpr std::string_view kSumsFile = "metrics.json";
constexpr off_t kPage = 4096;

struct Figure {
  std::string_view name;  ///< our name; two rows with one name are added up
  std::string_view section, field;
};

// Each line has the counts since the previous line.
constexpr Figure kCounts[] = {
    {"disk_read_bytes", "block", "read_bytes"},
    {"disk_written_bytes", "block", "write_bytes"},
    {"disk_reads", "block", "read_count"},
    {"disk_writes", "block", "write_count"},
    {"disk_flushes", "block", "flush_count"},
    {"disk_failures", "block", "execute_fails"},
    {"net_received_bytes", "net", "rx_bytes_count"},
    {"net_sent_bytes", "net", "tx_bytes_count"},
    {"net_received_packets", "net", "rx_packets_count"},
    {"net_sent_packets", "net", "tx_packets_count"},
    {"link_received_bytes", "vsock", "rx_bytes_count"},
    {"link_sent_bytes", "vsock", "tx_bytes_count"},
    {"serial_written_bytes", "uart", "write_count"},
    {"entropy_bytes", "entropy", "entropy_bytes"},
    {"vcpu_io_exits", "vcpu", "exit_io_in"},
    {"vcpu_io_exits", "vcpu", "exit_io_out"},
    {"vcpu_mmio_exits", "vcpu", "exit_mmio_read"},
    {"vcpu_mmio_exits", "vcpu", "exit_mmio_write"},
    {"vcpu_failures", "vcpu", "failures"},
    {"balloon_inflations", "balloon", "inflate_count"},
    {"balloon_deflations", "balloon", "deflate_count"},
    {"balloon_reports", "balloon", "free_page_report_count"},
    {"balloon_returned_bytes", "balloon", "free_page_report_freed"},
};

// These are current values, in every line. Zero: not yet happened in this process.
constexpr Figure kStates[] = {
    {"seccomp_faults", "seccomp", "num_faults"},  {"pause_us", "latencies_us", "pause_vm"},
    {"resume_us", "latencies_us", "resume_vm"},   {"save_us", "latencies_us", "full_create_snapshot"},
    {"load_us", "latencies_us", "load_snapshot"},
};

std::string path_of(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory, name);
}

std::uint64_t value_of(const Json& line, const Figure& figure) {
  auto section = line.find(figure.section);
  return section == line.end() ? 0 : count_at(*section, figure.field);
}

struct Sums {
  MachineMetrics metrics;
  std::uint64_t offset = 0;  ///< of the first line that is not in the sums
};

Sums load_sums(const std::string& directory) {
  auto text = host::read_file(path_of(directory, kSumsFile), limits::kMetricsSumsBytes);
  auto json = text ? parse_json(*text, limits::kMetricsSumsBytes) : std::unexpected(text.error());
  if (!json || !json->is_object() || !json->contains("figures")) return {};
  return {metrics_from_json(json->at("figures")), count_at(*json, "offset")};
}

Result<> keep_sums(const std::string& directory, const Sums& sums) {
  return host::write_file(path_of(directory, kSumsFile),
                          dump_json({{"figures", to_json(sums.metrics)}, {"offset", sums.offset}}));
}

/// The new text from `sums.offset` on. The offset moves on when there is more text than is read at once.
Result<std::string> read_new(int file, Sums& sums) {
  struct stat info{};
  if (::fstat(file, &info) < 0) return fail_errno("metrics");
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, "the metrics are not in a regular file");
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (sums.offset > size) sums.offset = size;
  if (size - sums.offset > limits::kMetricsReadBytes) sums.offset = size - limits::kMetricsReadBytes;
  std::string text(size - sums.offset, '\0');
  ssize_t got = ::pread(file, text.data(), text.size(), static_cast<off_t>(sums.offset));
  if (got < 0) return fail_errno("metrics");
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void add_lines(std::string_view text, Sums& sums) {
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    (void)add_metrics_line(text.substr(0, end), sums.metrics);  // fails for the rest of a skipped line
    sums.offset += end + 1;
    text.remove_prefix(end + 1);
  }
  // The rest is an unfinished line, unless it is longer than any valid line.
  if (text.size() > limits::kMetricsLineBytes) sums.offset += text.size();
}

}  // namespace

Result<> add_metrics_line(std::string_view line, MachineMetrics& sums) {
  auto json = TRY(parse_json(line, limits::kMetricsLineBytes));
  if (!json.is_object()) return fail(ErrorCode::invalid, "a line of metrics is not a JSON object");
  for (const auto& figure : kCounts) sums.add(figure.name, value_of(json, figure));
  for (const auto& figure : kStates) sums.figures[std::string(figure.name)] = value_of(json, figure);
  return {};
}

Result<> remove_metrics(const std::string& directory) {
  for (auto name : {kMetricsFile, kSumsFile}) TRY(host::remove_file(path_of(directory, name)));
  return {};
}

Result<> make_metrics_file(const std::string& directory) {
  // Firecracker before 1.14 does not make the file itself.
  TRY(host::open_file(path_of(directory, kMetricsFile), O_WRONLY | O_CREAT | O_EXCL, 0600));
  return {};
}

bool has_metrics(const std::string& directory) { return ::access(path_of(directory, kMetricsFile).c_str(), F_OK) == 0; }

Result<MachineMetrics> collect_metrics(const std::string& directory) {
  // The file belongs to the VMM, so the call follows no link and waits for no pipe.
  auto file = TRY(host::open_file(path_of(directory, kMetricsFile), O_RDWR | O_NOFOLLOW | O_NONBLOCK));
  auto sums = load_sums(directory);
  auto text = TRY(read_new(file.get(), sums));
  add_lines(text, sums);
  TRY(keep_sums(directory, sums));
  // Firecracker continues at its own offset, so the lines that were read can only become a hole.
  if (auto end = static_cast<off_t>(sums.offset) / kPage * kPage; end > 0)
    (void)::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end);
  return std::move(sums.metrics);
}

}  // namespace banger::machine::firecracker
