#include "engine/vm/disk_switch.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "engine/vm/disks.h"
#include "host/files.h"

namespace banger::engine {

namespace fs = std::filesystem;

namespace {

std::string staging(const std::string& own) { return own + "/restore.part"; }
std::string used_up(const std::string& own) { return own + "/restored.part"; }
std::string path_in(const std::string& directory, const VmFile& file) {
  return directory + "/" + std::string(file.name);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<> rename_to(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno(to);
  return {};
}

Result<> sync_path(const std::string& path) {
  auto file = TRY(host::open_file(path, O_RDONLY));
  if (::fsync(file.get()) < 0) return fail_errno(path);
  return {};
}

Result<> stage_file(const VmFile& file, const std::string& saved, const std::string& own) {
  auto from = path_in(saved, file), to = path_in(staging(own), file);
  switch (file.role) {
    case FileRole::disk:
      TRY(host::clone_file(from, to));
      return sync_path(to);
    case FileRole::shared_disk:
      return exists(from) ? host::share_file(from, to) : Result<>();
    case FileRole::console:
      return exists(from) && !exists(path_in(own, file)) ? host::clone_file(from, to) : Result<>();
    case FileRole::log:
    case FileRole::start:
      return {};
  }
  return {};
}

// A file that was moved already is no longer staged. The shared disk stays staged, because a disk that is missing there
// must be removed here.
Result<> switch_file(const VmFile& file, const std::string& own) {
  auto from = path_in(staging(own), file), to = path_in(own, file);
  if (!exists(staging(own))) return {};
  if (file.role == FileRole::shared_disk) return exists(from) ? host::share_file(from, to) : host::remove_file(to);
  return exists(from) ? rename_to(from, to) : Result<>();
}

}  // namespace

DiskSteps steps_to_stage(const std::string& saved, const std::string& own) {
  DiskSteps steps = {[=] { return remove_leftovers(own); }, [=] { return host::make_private_directory(staging(own)); }};
  for (const auto& file : vm_files()) steps.push_back([=] { return stage_file(file, saved, own); });
  steps.push_back([=] { return sync_path(staging(own)); });
  steps.push_back([=] { return sync_path(own); });
  return steps;
}

DiskSteps steps_to_switch(const std::string& own) {
  DiskSteps steps;
  for (const auto& file : vm_files()) steps.push_back([=] { return switch_file(file, own); });
  steps.push_back([=] { return sync_path(own); });
  // A removal takes several steps, and a half removed directory must not count as staged.
  steps.push_back([=] { return exists(staging(own)) ? rename_to(staging(own), used_up(own)) : Result<>(); });
  steps.push_back([=] { return host::remove_tree(used_up(own)); });
  return steps;
}

Result<> carry_out(const DiskSteps& steps) {
  for (const auto& step : steps) TRY(step());
  return {};
}

std::vector<std::string> leftovers(const std::string& own) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(own, error))
    if (auto kind = entry.path().extension(); kind == ".part" || kind == ".tmp") found.push_back(entry.path().string());
  return found;
}

Result<> remove_leftovers(const std::string& own) {
  for (const auto& path : leftovers(own)) TRY(host::remove_tree(path));
  return {};
}

}  // namespace banger::engine
