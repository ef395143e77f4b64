// Temporary directories outside of banger's own directories. A record in the state directory names each one before it
// exists.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/paths.h"
#include "host/record.h"

namespace banger::host {

/// The directory with the records of downloads.
std::string copy_records(const Paths& paths);

class RecordedDirectory {
 public:
  /// Makes `<parent>/<prefix><random>` with mode 0700, after its record in the directory `records`.
  static Result<RecordedDirectory> make(const std::string& records, const std::string& parent, std::string_view prefix);
  RecordedDirectory(RecordedDirectory&& other) noexcept;
  RecordedDirectory& operator=(RecordedDirectory&&) = delete;
  /// Removes the directory with all files in it, and the record.
  ~RecordedDirectory() { remove(); }

  void remove();
  const std::string& path() const { return path_; }

 private:
  RecordedDirectory(std::string path, Record record) : path_(std::move(path)), record_(std::move(record)) {}
  std::string path_;
  std::optional<Record> record_;
};

/// A record whose owner is gone.
struct AbandonedDirectory {
  std::string path, record;
};
std::vector<AbandonedDirectory> abandoned_directories(const std::string& records);

/// Removes the directory, and then the record. `busy` if a process owns the record. `denied` if the directory is not
/// one that RecordedDirectory makes for this user.
Result<> remove_abandoned(const AbandonedDirectory& directory);

}  // namespace banger::host
