#include "capabilities/file_sync/send.h"

#include <fmt/format.h>

#include <set>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/file_sync/pack.h"
#include "capabilities/file_sync/upload.h"

namespace banger::capabilities {

namespace {

std::string text_of(const config::FileSync& entry) { return printable(entry.host, limits::kPathBytes); }

/// Errors after which the next entry would fail too.
bool ends_sync(const Error& error) {
  return error.code == ErrorCode::cancelled || error.code == ErrorCode::timeout || error.code == ErrorCode::unavailable;
}

class Sync {
 public:
  explicit Sync(const FileSyncJob& job) : job_(job) {}

  Task<Result<>> send(const config::FileSync& entry) {
    auto packed = co_await pack(entry);
    if (!packed) {
      warn_of(entry, packed.error());
      co_return Result<>{};
    }
    budget_ = packed->left;
    if (!packed->tar) co_return Result<>{};
    auto top = entry.guest.substr(0, entry.guest.find('/'));
    auto missing = co_await upload_entry(job_.runtime, job_.client, packed->tar.get(), std::move(top), job_.given_up);
    if (!missing && ends_sync(missing.error())) co_return std::unexpected(std::move(missing.error()));
    if (!missing)
      warn_of(entry, missing.error());
    else
      count(*packed, *missing);
    co_return Result<>{};
  }

  FileSyncReport report() {
    report_.warnings = warnings_.take();
    return std::move(report_);
  }

 private:
  // The caller and its entries outlive the work, because a coroutine waits here.
  Task<Result<PackedEntry>> pack(const config::FileSync& entry) {
    co_return co_await job_.runtime.blocking(
        [&] { return pack_entry(entry, job_.files, budget_, job_.directory, warnings_); });
  }

  void warn_of(const config::FileSync& entry, const Error& error) {
    warnings_.add(fmt::format("{} is skipped: {}", text_of(entry), error.sentence()));
  }

  void count(const PackedEntry& packed, const NotUnpacked& missing) {
    std::set<std::string_view> not_there;
    for (const auto& left : missing) not_there.insert(left.first);
    for (const auto& object : packed.objects) {
      if (object.directory || not_there.contains(printable(object.path, limits::kPathBytes))) continue;
      ++report_.files;
      report_.bytes += object.bytes;
    }
    for (const auto& [path, reason] : missing)
      if (!packed.flawed.contains(path)) warnings_.add(fmt::format("~/{} of the guest stays: {}", path, reason));
  }

  const FileSyncJob& job_;
  SyncBudget budget_;
  SyncWarnings warnings_;
  FileSyncReport report_;
};

}  // namespace

Task<Result<FileSyncReport>> sync_files(FileSyncJob job) {
  Sync sync(job);
  for (const auto& entry : job.files.entries) {
    if (job.given_up()) co_return fail(ErrorCode::cancelled, "cancelled");
    CO_TRY(co_await sync.send(entry));
  }
  co_return sync.report();
}

FileSyncPlan plan_sync(const HostFiles& files) {
  FileSyncPlan plan;
  SyncBudget budget;
  SyncWarnings warnings;
  for (const auto& entry : files.entries) {
    auto before = budget;
    auto objects = list_entry(entry, files, budget, warnings);
    if (objects) {
      plan.objects.insert(plan.objects.end(), objects->begin(), objects->end());
      continue;
    }
    budget = before;
    warnings.add(fmt::format("{} is skipped: {}", text_of(entry), objects.error().sentence()));
  }
  plan.warnings = warnings.take();
  return plan;
}

}  // namespace banger::capabilities
