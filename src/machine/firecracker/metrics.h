// Firecracker's metrics: a file to which it appends a line of JSON each minute and whenever it is asked to, with what
// it has counted since the line before. Source: Firecracker's docs/metrics.md and src/vmm/src/logger/metrics.rs.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "machine/metrics.h"

namespace banger::machine::firecracker {

/// Adds what one line counts to `sums`. `invalid` when it is not a JSON object. Pure; any bytes are fine.
Result<> add_metrics_line(std::string_view line, MachineMetrics& sums);

/// Empties the metrics of an earlier start in a machine's directory; with `wanted`, makes the file Firecracker is to
/// write.
Result<> prepare_metrics(const std::string& directory, bool wanted);
/// Whether a machine in that directory was started with prepare_metrics().
bool has_metrics(const std::string& directory);

/// Adds the lines that are new since the last call to the sums that are kept beside them, and gives their room on the
/// disk back. The sums outlive the daemon. The file is the VMM's: what is no line of metrics, or too much of them, is
/// passed over. One call at a time. Blocking.
Result<MachineMetrics> take_in_metrics(const std::string& directory);

}  // namespace banger::machine::firecracker
