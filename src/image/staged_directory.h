// For both stores: names, and directories that appear complete or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::image {

/// `invalid` unless [a-z0-9][a-z0-9._-]{0,62}. `kind` is "kernel" or "image", for the message.
Result<> check_store_name(std::string_view kind, std::string_view name);

/// A directory while it is filled: `<parent>/.<name>.partial-<random>`, mode 0700. flock(2) holds it, which
/// distinguishes it from a leftover. Its destruction removes it unless it was committed.
class StagedDirectory {
 public:
  static Result<StagedDirectory> make(const std::string& parent, std::string_view name);
  StagedDirectory(StagedDirectory&& other) noexcept;
  StagedDirectory& operator=(StagedDirectory&&) = delete;
  ~StagedDirectory();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// Makes the directory durable. Blocking.
  Result<> sync() const;
  /// Gives the directory its final name, in one step. `exists` when the name is taken. REQUIRES: sync() was called.
  Result<> appear(const std::string& final_path) &&;
  /// Both of them.
  Result<> commit(const std::string& final_path) &&;
  /// The same, but replaces an existing directory in one step.
  Result<> replace(const std::string& final_path) &&;

 private:
  StagedDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

/// The complete entries of a store, also damaged ones, sorted. Empty when the store does not exist.
std::vector<std::string> store_entries(const std::string& directory);
/// A former entry of a store, under another name. Nobody takes it for a leftover while this lives.
struct TakenOut {
  std::string path;
  UniqueFd held;
};
/// Takes an entry out of the store in one step, so that a crash leaves a leftover, not half an entry.
Result<TakenOut> take_out(const std::string& directory, std::string_view name);
/// Removes its files. Blocking: large files take a while.
Result<> remove(TakenOut taken);
/// Full paths of staged directories that no live process fills.
std::vector<std::string> staged_leftovers(const std::string& directory);
/// Removes one of them. `busy` if a process holds it by now.
Result<> remove_leftover(const std::string& path);

}  // namespace banger::image
