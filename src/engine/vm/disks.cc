#include "engine/vm/disks.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "engine/vm/disk_switch.h"
#include "engine/vm/files.h"
#include "host/files.h"
#include "machine/files.h"

namespace banger::engine {

namespace {

constexpr std::array kFiles = {
    VmFile{capabilities::kSystemDisk, FileRole::disk},
    VmFile{capabilities::kWorkDisk, FileRole::disk},
    VmFile{capabilities::kModulesDisk, FileRole::shared_disk},
    VmFile{machine::kConsoleLog, FileRole::console},
    VmFile{machine::kMachineLogName, FileRole::log},
    VmFile{machine::kFirecrackerLog, FileRole::log},
    VmFile{kGuestArchive, FileRole::start},
    VmFile{machine::kInitrdFile, FileRole::start},
    VmFile{machine::kQmpSocket, FileRole::start},
    VmFile{machine::kLinkSocket, FileRole::start},
    VmFile{machine::kApiSocket, FileRole::start},
    VmFile{machine::kVsockSocket, FileRole::start},
};

bool is_saved(FileRole role) {
  return role == FileRole::disk || role == FileRole::shared_disk || role == FileRole::console;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

std::span<const VmFile> vm_files() { return kFiles; }

Task<Result<>> VmDisks::prepare(const capabilities::VmContext& vm) const {
  for (const auto* capability : capabilities::all())
    if (capability->prepare) CO_TRY(co_await capability->prepare(vm));
  co_return Result<>{};
}

Result<> VmDisks::copy_file_from(const std::string& save_id, const VmFile& file) const {
  auto from = saved(save_id, file), to = own(file);
  switch (file.role) {
    case FileRole::disk: {
      if (exists(to)) return {};
      auto part = to + ".part";
      TRY(host::remove_file(part));
      TRY(host::clone_file(from, part));
      if (::rename(part.c_str(), to.c_str()) < 0) return fail_errno(to);
      return {};
    }
    case FileRole::shared_disk:
      return exists(from) ? host::share_file(from, to) : host::remove_file(to);
    case FileRole::console:
      return exists(from) && !exists(to) ? host::clone_file(from, to) : Result<>();
    case FileRole::log:
    case FileRole::start:
      return {};
  }
  return {};
}

Task<Result<>> VmDisks::copy_from(std::string save_id) const {
  co_return co_await runtime_.blocking([&]() -> Result<> {
    for (const auto& file : kFiles) TRY(copy_file_from(save_id, file));
    return {};
  });
}

Task<Result<>> VmDisks::stage(std::string save_id) const {
  co_return co_await runtime_.blocking([&]() -> Result<> {
    auto staged = carry_out(steps_to_stage(saves_.directory(save_id), directory_));
    if (!staged) (void)remove_leftovers(directory_);
    return staged;
  });
}

Task<Result<>> VmDisks::switch_over() const {
  co_return co_await runtime_.blocking([&] { return carry_out(steps_to_switch(directory_)); });
}

Task<Result<>> VmDisks::tidy_up() const {
  co_return co_await runtime_.blocking([&] { return remove_leftovers(directory_); });
}

Result<> VmDisks::copy_to(const std::string& save_id) const {
  for (const auto& file : kFiles) {
    auto from = own(file), to = saved(save_id, file);
    if (!is_saved(file.role) || (file.role != FileRole::disk && !exists(from))) continue;
    TRY(file.role == FileRole::shared_disk ? host::share_file(from, to) : host::clone_file(from, to));
  }
  return {};
}

Result<> VmDisks::move_to(const std::string& save_id) const {
  for (const auto& file : kFiles) {
    if (!is_saved(file.role)) continue;
    bool optional = file.role == FileRole::shared_disk;
    if (::rename(own(file).c_str(), saved(save_id, file).c_str()) < 0 && !(optional && errno == ENOENT))
      return fail_errno(std::string(file.name));
  }
  return {};
}

Result<> VmDisks::remove_disks() const {
  for (const auto& file : kFiles)
    if (file.role == FileRole::disk) TRY(host::remove_file(own(file)));
  return {};
}

void VmDisks::remove_start_files() const {
  for (const auto& file : kFiles)
    if (file.role == FileRole::start) (void)host::remove_file(own(file));
}

std::uint64_t VmDisks::used_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& file : kFiles)
    if (file.role != FileRole::shared_disk) sum += host::disk_usage(own(file));
  return sum;
}

}  // namespace banger::engine
