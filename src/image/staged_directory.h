// What the two stores share: names, and directories that appear whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::image {

/// `invalid` unless [a-z0-9][a-z0-9._-]{0,62}. `kind` is "kernel" or "image", for the message.
Result<> check_store_name(std::string_view kind, std::string_view name);

/// A directory being filled: `<parent>/.<name>.partial-<random>`, mode 0700, held by flock(2) so that it can be told
/// from a leftover. Removed again unless committed.
class PartialDirectory {
 public:
  static Result<PartialDirectory> make(const std::string& parent, std::string_view name);
  PartialDirectory(PartialDirectory&& other) noexcept;
  PartialDirectory& operator=(PartialDirectory&&) = delete;
  ~PartialDirectory();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// Makes it durable and gives it its final name; `exists` when that is taken.
  Result<> commit(const std::string& final_path) &&;
  /// The same, replacing a directory that is there in one step.
  Result<> replace(const std::string& final_path) &&;

 private:
  PartialDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

/// Entries of a store that are complete (whether or not they are in order), sorted. Empty when the store is not there.
std::vector<std::string> store_entries(const std::string& directory);
/// Takes an entry out of the store in one step (so that a crash leaves a leftover, not half an entry), then removes it.
Result<> remove_entry(const std::string& directory, std::string_view name);
/// Full paths of partial directories that no live process is filling.
std::vector<std::string> partial_leftovers(const std::string& directory);

}  // namespace banger::image
