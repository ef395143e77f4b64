// The files of the host that the owner wants in each guest ([[file_sync]] in the config). They travel when the guest
// begins, after its agent answers and before its first command. docs/file-sync.md is the guide.
//
// The files never get into a template or a machine of the ready pool, because those have no user yet.
#include "capabilities/capability.h"
#include "capabilities/file_sync/send.h"

namespace banger::capabilities {

namespace {

Task<Result<>> started(const VmContext& vm, link::Client& client, const Waiter& waiter) {
  if (vm.files.entries.empty()) co_return Result<>();
  auto report = CO_TRY(co_await sync_files({.runtime = vm.runtime,
                                            .client = client,
                                            .files = vm.files,
                                            .directory = vm.directory,
                                            .given_up = waiter.given_up}));
  for (const auto& warning : report.warnings) waiter.warn(warning);
  vm.log.info("file_sync.done", {{"vm", vm.name},
                                 {"id", vm.id},
                                 {"files", std::to_string(report.files)},
                                 {"bytes", std::to_string(report.bytes)}});
  co_return Result<>();
}

}  // namespace

extern const Capability file_sync;
constinit const Capability file_sync = {.name = "file_sync", .started = started};

}  // namespace banger::capabilities
