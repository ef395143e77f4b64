// Records of things that a process makes outside of banger's own directories. A record exists before its thing, and its
// process holds the record with flock(2). So a later process finds what a killed process left.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/durable.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

class Record {
 public:
  /// An empty record of a new name in the directory `records`, which is made if it is missing.
  static Result<Record> make(const std::string& records);

  const std::string& path() const { return path_; }
  /// The last component of the path. It is random, so it can also name the thing.
  std::string name() const;
  /// Call it once.
  Result<> write(std::string_view text, Durable durable);
  /// Without a removal, the record stays when its process lets it go.
  Result<> remove();

 private:
  Record(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

/// A record whose process is gone.
struct AbandonedRecord {
  std::string path, text;
};
std::vector<AbandonedRecord> abandoned_records(const std::string& records);

/// The lock of an abandoned record. Only its holder may remove the thing. `busy` if a process holds the record,
/// `not_found` if the record is gone.
Result<UniqueFd> take_over(const std::string& record);

}  // namespace banger::host
