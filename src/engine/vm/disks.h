// The files of a VM's directory, by one table of names and roles; copies of them go into saved states and come back.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "capabilities/capability.h"
#include "engine/saved/saves.h"
#include "host/runtime.h"

namespace banger::engine {

enum class FileRole {
  disk,         ///< what the VM has written; there since it was made
  shared_disk,  ///< another name of a file that never changes; optional
  console,      ///< what the guest has said; optional, goes along with saved states
  log,
  start,  ///< serves one start and may hold its secrets: goes with the process
};

struct VmFile {
  std::string_view name;
  FileRole role;
};
std::span<const VmFile> vm_files();

/// What happens to disks that are there already.
enum class Existing { keep, replace };

class VmDisks {
 public:
  VmDisks(host::Runtime& runtime, const Saves& saves, std::string directory)
      : runtime_(runtime), saves_(saves), directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  /// What the capabilities make before a machine starts. May be repeated.
  Task<Result<>> prepare(const capabilities::VmContext& vm) const;
  /// Copies appear by rename, so one that is there is whole.
  Task<Result<>> copy_from(std::string save_id, Existing existing) const;
  /// Blocks. Nothing writes to the disks meanwhile.
  Result<> copy_to(const std::string& save_id) const;
  /// For a VM that ends with it.
  Result<> move_to(const std::string& save_id) const;
  /// What the VM has written is lost.
  Result<> remove_disks() const;
  void remove_start_files() const;
  /// On the host's disk, without what others have too.
  std::uint64_t used_bytes() const;

 private:
  std::string own(const VmFile& file) const { return directory_ + "/" + std::string(file.name); }
  std::string saved(const std::string& save_id, const VmFile& file) const {
    return saves_.directory(save_id) + "/" + std::string(file.name);
  }
  Result<> copy_file_from(const std::string& save_id, const VmFile& file, Existing existing) const;

  host::Runtime& runtime_;
  const Saves& saves_;
  std::string directory_;
};

}  // namespace banger::engine
