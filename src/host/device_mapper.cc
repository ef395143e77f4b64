#include "host/device_mapper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/unique_fd.h"
#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

constexpr const char* kControl = "/dev/mapper/control";
// The version that these calls need. It is the oldest, and all kernels support it.
constexpr std::uint32_t kVersion[3] = {4, 0, 0};
constexpr std::size_t kAlign = 8;
// udev must not examine or name the device, because a guest wrote its content (libdevmapper.h, DM_UDEV_DISABLE_*).
constexpr std::uint32_t kLeaveAlone = 0xf << 16;

class KernelControl final : public DmControl {
 public:
  explicit KernelControl(UniqueFd fd) : fd_(std::move(fd)) {}
  int control(unsigned long request, dm_ioctl* buffer) override {
    return ::ioctl(fd_.get(), request, buffer) < 0 ? errno : 0;
  }

 private:
  UniqueFd fd_;
};

std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

/// Target descriptions one after the other, each with its parameters (dm-ioctl.h, struct dm_target_spec).
std::string encode(std::span<const DmTarget> table) {
  std::string bytes;
  for (const auto& target : table) {
    dm_target_spec spec{};
    spec.sector_start = target.start;
    spec.length = target.length;
    spec.next = static_cast<std::uint32_t>(aligned(sizeof spec + target.parameters.size() + 1));
    target.type.copy(spec.target_type, sizeof spec.target_type - 1);
    std::string one(reinterpret_cast<const char*>(&spec), sizeof spec);
    one += target.parameters;
    one.resize(spec.next);
    bytes += one;
  }
  return bytes;
}

}  // namespace

/// One request: the fixed part, followed by the data.
struct DeviceMapper::Call {
  explicit Call(const std::string& name, std::string_view data = {})
      : memory((aligned(sizeof(dm_ioctl)) + aligned(data.size())) / kAlign) {
    std::memcpy(io()->version, kVersion, sizeof kVersion);
    io()->data_size = static_cast<std::uint32_t>(memory.size() * kAlign);
    io()->data_start = static_cast<std::uint32_t>(aligned(sizeof(dm_ioctl)));
    name.copy(io()->name, sizeof io()->name - 1);
    if (!data.empty()) std::memcpy(reinterpret_cast<char*>(io()) + io()->data_start, data.data(), data.size());
  }
  dm_ioctl* io() { return reinterpret_cast<dm_ioctl*>(memory.data()); }
  DmDevice device() {
    bool active = (io()->flags & DM_ACTIVE_PRESENT_FLAG) && !(io()->flags & DM_SUSPEND_FLAG);
    return {std::string(io()->uuid, ::strnlen(io()->uuid, sizeof io()->uuid)), active, io()->open_count,
            static_cast<dev_t>(io()->dev)};
  }

  std::vector<std::uint64_t> memory;
};

Result<std::unique_ptr<DmControl>> open_device_mapper() {
  auto fd = open_file(kControl, O_RDWR);
  if (fd) return std::make_unique<KernelControl>(std::move(*fd));
  bool missing =
      fd.error().code == ErrorCode::not_found || fd.error().sys_errno == ENODEV || fd.error().sys_errno == ENXIO;
  if (!missing) return std::unexpected(std::move(fd).error());
  return fail(ErrorCode::unsupported, "this host's kernel has no device-mapper",
              "load its module dm_snapshot, or use the storage \"copy\"");
}

bool has_device_mapper() { return ::access(kControl, F_OK) == 0; }

Result<std::optional<DmDevice>> DeviceMapper::find(const std::string& name) const {
  Call call(name);
  int error = control_.control(DM_DEV_STATUS, call.io());
  if (error == ENXIO) return std::nullopt;
  if (error) return fail_errno(fmt::format("ask for device {}", name), error);
  return call.device();
}

Result<> DeviceMapper::load_and_resume(const std::string& name, std::span<const DmTarget> table,
                                       DmAccess access) const {
  Call load(name, encode(table));
  load.io()->target_count = static_cast<std::uint32_t>(table.size());
  load.io()->flags = access == DmAccess::read_only ? DM_READONLY_FLAG : 0;
  if (int error = control_.control(DM_TABLE_LOAD, load.io())) return fail_errno("load its table", error);
  Call resume(name);
  resume.io()->event_nr = kLeaveAlone;
  if (int error = control_.control(DM_DEV_SUSPEND, resume.io())) return fail_errno("resume it", error);
  return {};
}

Result<DmDevice> DeviceMapper::create(const std::string& name, const std::string& uuid, std::span<const DmTarget> table,
                                      DmAccess access) const {
  auto what = fmt::format("make device {}", name);
  if (name.empty() || name.size() >= DM_NAME_LEN || uuid.size() >= DM_UUID_LEN)
    return fail(ErrorCode::invalid, fmt::format("{}: its name is too long", what));
  Call make(name);
  uuid.copy(make.io()->uuid, sizeof make.io()->uuid - 1);
  int error = control_.control(DM_DEV_CREATE, make.io());
  if (error == EBUSY) return fail(ErrorCode::exists, fmt::format("{}: a device of that name exists already", what));
  if (error) return fail_errno(what, error);
  auto active = load_and_resume(name, table, access);
  if (active) return make.device();
  (void)remove(name);
  return std::unexpected(std::move(active.error()).in(what));
}

Result<> DeviceMapper::remove(const std::string& name) const {
  for (int attempt = 1;; ++attempt) {
    Call call(name);
    call.io()->event_nr = kLeaveAlone;
    int error = control_.control(DM_DEV_REMOVE, call.io());
    if (error == 0 || error == ENXIO) return {};
    if (error != EBUSY) return fail_errno(fmt::format("remove device {}", name), error);
    if (attempt == limits::kDeviceRemoveAttempts)
      return fail(ErrorCode::busy, fmt::format("device {} is in use", name));
    std::this_thread::sleep_for(limits::kDeviceRemovePause);
  }
}

}  // namespace banger::host
