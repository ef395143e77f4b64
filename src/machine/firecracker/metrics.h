// Firecracker's metrics: Firecracker appends a line of JSON to a file each minute and on request. A line has the counts
// since the previous line. Source: Firecracker's docs/metrics.md and src/vmm/src/logger/metrics.rs.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "machine/metrics.h"

namespace banger::machine::firecracker {

/// Adds the counts of one line to `sums`. `invalid` when the line is not a JSON object. Pure: any bytes are safe.
Result<> add_metrics_line(std::string_view line, MachineMetrics& sums);

/// Removes the metrics of an earlier start from a machine's directory.
Result<> remove_metrics(const std::string& directory);
/// Makes the empty file of a new start, for Firecracker to write.
Result<> make_metrics_file(const std::string& directory);
/// Whether the machine in that directory was started with a metrics file.
bool has_metrics(const std::string& directory);

/// Adds the new lines since the last call to the sums, which are kept beside the file and outlive the daemon. Frees the
/// disk space of these lines. The VMM owns the file: malformed lines and too many lines are skipped. One call at a
/// time. Blocking.
Result<MachineMetrics> collect_metrics(const std::string& directory);

}  // namespace banger::machine::firecracker
