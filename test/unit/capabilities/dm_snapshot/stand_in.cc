#include "capabilities/dm_snapshot/stand_in.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace banger::test {

namespace {

constexpr std::uint32_t kMajor = 4, kMinor = 47;
constexpr unsigned kDmMajor = 253, kLoopMajor = 7;
constexpr std::size_t kLeastBytes = sizeof(dm_ioctl) - sizeof(dm_ioctl::data);

bool ended(const char* text, std::size_t room) { return ::strnlen(text, room) < room; }

}  // namespace

int DmStandIn::control(unsigned long request, dm_ioctl* io) {
  bool fits = io->version[0] == kMajor && io->version[1] <= kMinor;
  io->version[0] = kMajor;
  io->version[1] = kMinor;
  if (!fits || io->data_size < kLeastBytes) return EINVAL;
  if (!ended(io->name, DM_NAME_LEN) || !ended(io->uuid, DM_UUID_LEN)) return EINVAL;
  struct Known {
    unsigned long request;
    const char* name;
    int (DmStandIn::*run)(dm_ioctl*);
  };
  for (const auto& [number, name, run] :
       {Known{DM_DEV_CREATE, "create", &DmStandIn::create}, Known{DM_TABLE_LOAD, "load", &DmStandIn::load},
        Known{DM_DEV_SUSPEND, "resume", &DmStandIn::resume}, Known{DM_DEV_REMOVE, "remove", &DmStandIn::remove},
        Known{DM_DEV_STATUS, "status", &DmStandIn::status}}) {
    if (number != request) continue;
    auto call = fmt::format("{} {}", name, io->name);
    if (request != DM_DEV_STATUS) calls.push_back(call);
    return call == fail_at ? EIO : (this->*run)(io);
  }
  return ENOTTY;
}

DmStandIn::Device* DmStandIn::find(const dm_ioctl* io) {
  // A device is named by one of the two, never both.
  if (*io->uuid) return nullptr;
  auto found = devices.find(io->name);
  return found == devices.end() ? nullptr : &found->second;
}

int DmStandIn::users_of(const std::string& name) const {
  int users = 0;
  for (const auto& [other, device] : devices)
    for (const auto* table : {device.active.get(), device.inactive.get()})
      if (table) users += static_cast<int>(std::ranges::count(table->devices, name));
  return users;
}

void DmStandIn::describe(const std::string& name, dm_ioctl* io) const {
  const auto& device = devices.at(name);
  io->dev = makedev(kDmMajor, device.minor);
  io->open_count = device.opened + users_of(name);
  io->flags = (device.active ? DM_ACTIVE_PRESENT_FLAG : 0) | (device.inactive ? DM_INACTIVE_PRESENT_FLAG : 0);
  device.uuid.copy(io->uuid, DM_UUID_LEN - 1);
}

int DmStandIn::create(dm_ioctl* io) {
  std::string name = io->name;
  if (name.empty() || name.find('/') != name.npos) return EINVAL;
  if (devices.contains(name) ||
      std::ranges::any_of(devices, [&](const auto& each) { return *io->uuid && each.second.uuid == io->uuid; }))
    return EBUSY;
  devices[name] = Device{.uuid = io->uuid, .minor = next_minor_++, .active = {}, .inactive = {}};
  describe(name, io);
  return 0;
}

int DmStandIn::read_targets(const dm_ioctl* io, Table& table) {
  const char* memory = reinterpret_cast<const char*>(io);
  std::size_t at = io->data_start;
  std::uint64_t next_sector = 0;
  for (std::uint32_t i = 0; i < io->target_count; ++i) {
    if (at % 8 != 0 || at < kLeastBytes || at + sizeof(dm_target_spec) > io->data_size) return EINVAL;
    dm_target_spec spec{};
    std::memcpy(&spec, memory + at, sizeof spec);
    const char* parameters = memory + at + sizeof spec;
    if (!ended(parameters, io->data_size - at - sizeof spec) || !ended(spec.target_type, DM_MAX_TYPE_NAME))
      return EINVAL;
    if (spec.sector_start != next_sector || spec.length == 0) return EINVAL;  // a gap, or nothing
    table.targets.push_back({spec.sector_start, spec.length, spec.target_type, parameters});
    if (int error = construct(table.targets.back(), table)) return error;
    next_sector += spec.length;
    at += spec.next;
  }
  return table.targets.empty() ? EINVAL : 0;
}

int DmStandIn::take(const std::string& number, bool write, std::uint64_t end, Table& table) {
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(number.c_str(), "%u:%u", &major_number, &minor_number) != 2) return EINVAL;
  if (major_number == kLoopMajor) {
    UniqueFd fd(::open(fmt::format("/dev/loop{}", minor_number).c_str(), O_RDONLY | O_CLOEXEC));
    std::uint64_t bytes = 0;
    int read_only = 0;
    if (!fd || ::ioctl(fd.get(), BLKGETSIZE64, &bytes) < 0 || ::ioctl(fd.get(), BLKROGET, &read_only) < 0)
      return ENODEV;
    if (write && read_only) return EACCES;
    if (end * 512 > bytes) return EINVAL;
    table.loops.push_back(std::move(fd));
    return 0;
  }
  for (const auto& [name, device] : devices) {
    if (major_number != kDmMajor || device.minor != minor_number) continue;
    if (!device.active) return ENXIO;
    if (write && device.active->read_only) return EACCES;
    if (end > device.active->sectors()) return EINVAL;
    table.devices.push_back(name);
    return 0;
  }
  return ENODEV;
}

int DmStandIn::construct(const host::DmTarget& target, Table& table) {
  auto words = split(target.parameters, ' ');
  auto number = [&](std::size_t i) { return std::strtoull(std::string(words[i]).c_str(), nullptr, 10); };
  if (target.type == "zero") return target.parameters.empty() ? 0 : EINVAL;
  if (target.type == "linear")
    return words.size() == 2 ? take(std::string(words[0]), !table.read_only, number(1) + target.length, table) : EINVAL;
  if (target.type != "snapshot" || words.size() != 4 || (words[2] != "P" && words[2] != "N")) return EINVAL;
  auto chunk = number(3);
  if (!std::has_single_bit(chunk) || words[0] == words[1] || target.start != 0) return EINVAL;
  // The origin is only read. The other device is written.
  if (int error = take(std::string(words[0]), false, target.length, table)) return error;
  return take(std::string(words[1]), true, chunk, table);
}

int DmStandIn::load(dm_ioctl* io) {
  auto* device = find(io);
  if (!device) return ENXIO;
  auto table = std::make_unique<Table>();
  table->read_only = io->flags & DM_READONLY_FLAG;
  if (int error = read_targets(io, *table)) return error;
  device->inactive = std::move(table);
  return 0;
}

int DmStandIn::resume(dm_ioctl* io) {
  auto* device = find(io);
  if (!device) return ENXIO;
  if (io->flags & DM_SUSPEND_FLAG) return ENOTTY;  // nobody here does
  if (device->inactive) device->active = std::move(device->inactive);
  return device->active ? 0 : EINVAL;
}

int DmStandIn::remove(dm_ioctl* io) {
  auto* device = find(io);
  if (!device) return ENXIO;
  if (device->opened + users_of(io->name) > 0) return EBUSY;
  devices.erase(io->name);
  return 0;
}

int DmStandIn::status(dm_ioctl* io) {
  if (!find(io)) return ENXIO;
  describe(io->name, io);
  return 0;
}

}  // namespace banger::test
