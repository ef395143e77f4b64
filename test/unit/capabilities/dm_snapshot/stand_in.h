// The kernel's side of device-mapper for tests, over real loop devices. It has the rules of the ioctl interface
// (drivers/md/dm-ioctl.c, dm-table.c and the constructors of the targets used here). Its devices cannot be read.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "host/device_mapper.h"

namespace banger::test {

class DmStandIn final : public host::DmControl {
 public:
  struct Table {
    std::vector<host::DmTarget> targets;
    bool read_only = false;
    std::vector<UniqueFd> loops;       ///< held open, as the kernel does
    std::vector<std::string> devices;  ///< names of those of its own that it is made of
    std::uint64_t sectors() const { return targets.back().start + targets.back().length; }
  };
  struct Device {
    std::string uuid;
    unsigned minor = 0;
    int opened = 0;  ///< by people; tables are counted apart
    std::unique_ptr<Table> active, inactive;
  };

  int control(unsigned long request, dm_ioctl* io) override;

  std::map<std::string, Device> devices;  ///< by name
  std::vector<std::string> calls;         ///< "create banger-x", …
  std::string fail_at;                    ///< the call that fails with EIO

 private:
  int create(dm_ioctl* io);
  int load(dm_ioctl* io);
  int resume(dm_ioctl* io);
  int remove(dm_ioctl* io);
  int status(dm_ioctl* io);
  int read_targets(const dm_ioctl* io, Table& table);
  int construct(const host::DmTarget& target, Table& table);
  int take(const std::string& number, bool write, std::uint64_t end, Table& table);
  Device* find(const dm_ioctl* io);
  int users_of(const std::string& name) const;
  void describe(const std::string& name, dm_ioctl* io) const;

  unsigned next_minor_ = 0;
};

}  // namespace banger::test
