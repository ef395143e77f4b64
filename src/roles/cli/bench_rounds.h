// What `banger bench` does again and again, as a user would: make a VM, run a command in it, delete it; and the figures
// of many such rounds. Knows nothing of how they are shown.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

/// Milliseconds since the round began.
struct Round {
  std::string way;  ///< how the VM came up, as vm.create says
  double created_ms = 0;
  double output_ms = 0;  ///< the command's first byte was here
  double total_ms = 0;   ///< the VM was deleted
};

struct Percentiles {
  double p50 = 0, p90 = 0, p99 = 0;
};
/// By nearest rank. REQUIRES: not empty.
Percentiles percentiles(std::vector<double> values);

class BenchRounds {
 public:
  /// `shape` is what vm.create gets beside names. Both are borrowed; no VM is made over the daemon's connection.
  BenchRounds(Io& io, Daemon& daemon, Json shape) : io_(io), daemon_(daemon), shape_(std::move(shape)) {}

  /// One round. Whatever happens, an interrupt (`cancelled`) too, its VM is deleted before this returns.
  Result<Round> run(bool cold, const rpc::OnProgress& progress = {});
  /// Until a clone waits to be handed over, so that the next round may get it; not for ever. `cancelled` on an
  /// interrupt.
  Result<> wait_for_pool();

 private:
  Result<Round> use(const std::string& name, bool cold, const rpc::OnProgress& progress);
  Result<> remove(const std::string& name);

  Io& io_;
  Daemon& daemon_;
  Json shape_;
  int made_ = 0;
};

}  // namespace banger::roles::cli
