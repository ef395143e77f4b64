// The VMs' jails: who has one, and that none stays when its machine has ended. What makes and removes them needs root
// and goes through Privileged; each is in the journal before it is made, and what could not be removed is
// tried again until it is gone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "capabilities/privileged.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "machine/firecracker/jailed.h"
#include "store/store.h"

namespace banger::capabilities {

class Jails final : public machine::firecracker::Jailer {
 public:
  Jails(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
        store::Store& store, Privileged& privileged);

  /// Reads the store; nothing is touched yet.
  Result<> load();

  /// The programs that jails are made with on this host; `unavailable` with the way out when there are none.
  struct Programs {
    std::string jailer, firecracker;
  };
  Task<Result<Programs>> programs();

  Task<Result<>> check(std::string firecracker) override;
  Task<Result<machine::firecracker::JailedProcess>> start(machine::firecracker::JailedStart start) override;
  /// After the machine has ended, and again before its directory goes; logs, never fails.
  Task<> leave(std::string vm_id);
  bool has(std::string_view vm_id) const { return seats_.find(vm_id) != seats_.end(); }

  /// Ids of jails that could not be removed yet, or that nobody knows.
  std::vector<std::string> strays() const;
  Task<Result<>> remove_stray(std::string token);
  /// What a daemon before could not remove.
  Task<> remove_doomed();

 private:
  Task<Result<>> end(std::string token, std::string vm_id);
  Task<Result<>> end_doomed(std::string token);
  Task<> end_doomed_of(std::string vm_id);  ///< empty: all
  Task<> try_again();

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  store::Store& store_;
  Privileged& privileged_;
  std::map<std::string, std::string, std::less<>> seats_;   ///< VM → its jail's id
  std::map<std::string, std::string, std::less<>> doomed_;  ///< jail's id → VM
  host::Mutex changing_;        ///< one at a time: two jails of a VM would have one directory
  std::chrono::seconds pause_;  ///< until the next attempt
  bool trying_ = false;
};

}  // namespace banger::capabilities
