// A VM's system disk as a kernel snapshot of its image (storage "dm-snapshot"). Reads come from the image until a block
// is written. Writes go to the VM's own sparse file. The device exists while the machine runs, and only the file stays.
//
//   image (loop, read-only, shared) ─► banger-ID-image: linear, then zeros up to the size ─┐
//   the VM's file (loop) ───────────────────────────────────────────────────────────────────┴─► banger-ID: snapshot
//
// The kernel removes loop devices together with the devices made from them. So only the two devices and the node can be
// left over.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "host/device_mapper.h"

namespace banger::capabilities {

/// Directory of the device nodes. Not /dev/mapper, where udev sets owners and modes by its own rules.
inline constexpr const char* kSnapshotNodes = "/dev/banger";

/// The node of that VM's device; it belongs to the owner, mode 0600.
inline std::string snapshot_node(std::string_view id) { return std::string(kSnapshotNodes) + "/" + std::string(id); }

/// The size of the VM's own file for a disk of `size_bytes` with every block written. The file is sparse, so this costs
/// nothing.
std::uint64_t snapshot_file_bytes(std::uint64_t size_bytes);

/// Makes a snapshot usable again that the kernel declared invalid, as it does when it cannot write the file. The data
/// up to that moment is kept, as after a power failure. Does nothing to a valid snapshot or a new file.
Result<> revive_snapshot_file(const std::string& path);

struct Snapshot {
  std::string id;  ///< of the VM
  uid_t uid = 0;   ///< the owner
  gid_t gid = 0;
  std::uint64_t size_bytes = 0;  ///< of the device; rounded up to whole blocks
};

/// The layer below. It is injected, so that tests need no device-mapper.
struct SnapshotHost {
  host::DmControl& control;
  std::string nodes = kSnapshotNodes;
};

/// Makes the device and its node. An existing device that is not open is made anew. `busy` while the device is open,
/// `exists` when another owner has the name, `invalid` when the image is larger than the size. A failure leaves nothing
/// behind.
Result<> make_snapshot(const SnapshotHost& host, const Snapshot& snapshot, const UniqueFd& image, const UniqueFd& file);

/// Removes both. Succeeds when there is nothing to remove. `busy` while the device is open.
Result<> remove_snapshot(const SnapshotHost& host, std::string_view id, uid_t uid);

/// Ids of that owner's devices and nodes, complete or not. Needs no privilege.
std::vector<std::string> list_snapshots(uid_t uid, const std::string& sys_block = "/sys/block",
                                        const std::string& nodes = kSnapshotNodes);

/// `unsupported`, with a hint, where the kernel lacks a driver.
Result<> check_snapshots_work();

}  // namespace banger::capabilities
