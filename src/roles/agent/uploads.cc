#include "roles/agent/uploads.h"

#include <filesystem>
#include <optional>

#include "host/files.h"
#include "roles/agent/system_ready.h"
#include "tar/staged.h"

namespace banger::roles::agent {

namespace fs = std::filesystem;

namespace {

constexpr char kSeparator = '\0';  // no path has it

/// The real path of the directory, and the only name that the upload has there.
Result<std::string> text_of(const std::string& directory, const std::string& only) {
  std::error_code error;
  auto real = fs::canonical(directory, error);
  if (error) return fail_errno(directory, error.value());
  return real.string() + kSeparator + only;
}

Result<host::Record> make_record(const std::string& records, const std::string& directory, const std::string& only) {
  auto text = TRY(text_of(directory, only));
  auto record = TRY(host::Record::make(records));
  auto written = record.write(text, Durable::yes);
  if (!written) (void)record.remove();
  TRY(std::move(written));
  return record;
}

Result<> remove_abandoned(const host::AbandonedRecord& record) {
  auto lock = TRY(host::take_over(record.path));
  // A record without a separator was never written, and nothing was made.
  if (auto end = record.text.find(kSeparator); end != record.text.npos) {
    tar::UnpackOptions options{.only = record.text.substr(end + 1)};
    options.staged = tar::kStagedPrefix + fs::path(record.path).filename().string();
    TRY(tar::remove_staged(record.text.substr(0, end), options));
  }
  return host::remove_file(record.path);
}

}  // namespace

Result<> unpack_recorded(const std::string& records, int tar_fd, const std::string& directory,
                         tar::UnpackOptions options) {
  std::optional<host::Record> record;
  if (auto made = make_record(records, directory, options.only)) record = std::move(*made);
  if (record) options.staged = tar::kStagedPrefix + record->name();
  auto done = tar::unpack_tree(tar_fd, directory, options);
  if (record) (void)record->remove();
  return done;
}

void remove_abandoned_uploads(const std::string& records) {
  for (const auto& record : host::abandoned_records(records)) (void)remove_abandoned(record);
}

Task<> clean_up_uploads(ContextPtr context) {
  if (!co_await wait_for_system(context, host::Deadline::max())) co_return;
  co_await context->runtime.blocking([records = context->run_dir.uploads_path()] {
    remove_abandoned_uploads(records);
    return true;
  });
}

}  // namespace banger::roles::agent
