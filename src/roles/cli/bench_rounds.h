// The rounds of `banger bench`. A round does what a user does: it makes a VM, runs a command in it and deletes it.
// commands/bench.cc prints the figures.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// Milliseconds since the round began.
struct Round {
  std::string started_from;  ///< how the VM came up: `way` of the VM object
  double created_ms = 0;
  double output_ms = 0;  ///< the first byte of the command's output arrived
  double total_ms = 0;   ///< the VM was deleted
};

struct Percentiles {
  double p50 = 0, p90 = 0, p99 = 0;
};
/// Percentiles by nearest rank. REQUIRES: `values` is not empty.
Percentiles percentiles(std::vector<double> values);

/// How a round's VM comes up: as a clone of a template, or by a boot.
enum class Start { clone, boot };

class BenchRounds {
 public:
  /// `shape` has the parameters of vm.create that describe the VM. `io` and `daemon` are borrowed. Each VM is made over
  /// a connection of its own, and not over that of `daemon`.
  BenchRounds(Io& io, Daemon& daemon, Json shape) : io_(io), daemon_(daemon), shape_(std::move(shape)) {}

  /// One round. The VM is deleted before this function returns, also after an error or an interrupt (`cancelled`).
  Result<Round> run(Start start_by, const rpc::OnProgress& progress = {});
  /// Waits until the ready pool has a clone for the next round, but only up to a deadline. `cancelled` on an interrupt.
  Result<> wait_for_pool();

 private:
  Result<Round> use(const std::string& name, Start start_by, const rpc::OnProgress& progress);
  Result<> remove(const std::string& name);

  Io& io_;
  Daemon& daemon_;
  Json shape_;
  int made_ = 0;
};

}  // namespace banger::roles::cli
