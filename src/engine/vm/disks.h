// The files of a VM's directory, in one table of names and roles. Copies of the files go into saved states and come
// back from there.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "capabilities/capability.h"
#include "engine/saved/saved_states.h"
#include "host/runtime.h"

namespace banger::engine {

enum class FileRole {
  disk,         ///< the VM's own data; exists from the VM's creation on
  shared_disk,  ///< a hard link to a file that never changes; optional
  console,      ///< the guest's console output; optional, part of saved states
  log,
  start,  ///< serves one start and may hold secrets; removed after the process has ended
};

struct VmFile {
  std::string_view name;
  FileRole role;
};
std::span<const VmFile> vm_files();

class VmDisks {
 public:
  VmDisks(host::Runtime& runtime, const SavedStates& saves, std::string directory)
      : runtime_(runtime), saves_(saves), directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }
  /// Runs the capabilities' `prepare` hooks, which make files before a machine starts. May be repeated.
  Task<Result<>> prepare(const capabilities::VmContext& vm) const;
  /// Makes the disks of a new VM. Copies appear by rename, so a disk that exists is complete and is kept.
  Task<Result<>> copy_from(std::string save_id) const;
  /// Copies the disks of a saved state beside the VM's own, for switch_over(). A failure leaves nothing
  /// (disk_switch.h).
  Task<Result<>> stage(std::string save_id) const;
  /// Replaces the VM's disks by the staged ones. May be repeated.
  Task<Result<>> switch_over() const;
  /// Removes what an interrupted operation left, also staged disks. No operation may be at work.
  Task<Result<>> tidy_up() const;
  /// Blocks. The caller makes sure that nothing writes to the disks meanwhile.
  Result<> copy_to(const std::string& save_id) const;
  /// Moves the files into the saved state. The VM cannot start afterwards.
  Result<> move_to(const std::string& save_id) const;
  /// Everything that the VM has written is lost.
  Result<> remove_disks() const;
  void remove_start_files() const;
  /// Bytes on the host's disk, without the shared disk.
  std::uint64_t used_bytes() const;

 private:
  std::string own(const VmFile& file) const { return directory_ + "/" + std::string(file.name); }
  std::string saved(const std::string& save_id, const VmFile& file) const {
    return saves_.directory(save_id) + "/" + std::string(file.name);
  }
  Result<> copy_file_from(const std::string& save_id, const VmFile& file) const;

  host::Runtime& runtime_;
  const SavedStates& saves_;
  std::string directory_;
};

}  // namespace banger::engine
