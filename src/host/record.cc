#include "host/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kRandomBytes = 8;
}

Result<Record> Record::make(const std::string& records) {
  TRY(make_directories(records, 0700));
  // A sweep that looks at the record before it is locked may remove it. Then there is another name.
  for (;;) {
    auto path = fmt::format("{}/{}", records, to_hex(random_bytes(kRandomBytes)));
    auto lock = TRY(open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW));
    struct stat info{};
    if (::flock(lock.get(), LOCK_EX) < 0 || ::fstat(lock.get(), &info) < 0) return fail_errno(path);
    if (info.st_nlink > 0) return Record(std::move(path), std::move(lock));
  }
}

std::string Record::name() const { return fs::path(path_).filename().string(); }

Result<> Record::write(std::string_view text, Durable durable) {
  TRY(in(path_, write_all(lock_.get(), text)));
  if (durable == Durable::yes && ::fsync(lock_.get()) < 0) return fail_errno(path_);
  return {};
}

Result<> Record::remove() { return remove_file(path_); }

Result<UniqueFd> take_over(const std::string& record) {
  auto lock = TRY(open_file(record, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(ErrorCode::busy, fmt::format("{}: its process still runs", record));
  return lock;
}

std::vector<AbandonedRecord> abandoned_records(const std::string& records) {
  std::vector<AbandonedRecord> found;
  std::error_code error;
  for (fs::directory_iterator at(records, error), end; !error && at != end; at.increment(error)) {
    auto record = at->path().string();
    auto lock = take_over(record);
    auto text = lock ? read_all(lock->get(), record, limits::kRecordBytes) : std::unexpected(lock.error());
    if (text) found.push_back({std::move(record), std::move(*text)});
  }
  return found;
}

}  // namespace banger::host
