// A VM's system disk as a snapshot of its image by the host's kernel (storage "dm-snapshot"): a device whose reads come
// from the image until a block is written, and whose writes go to the VM's own sparse file. It stands for as long as
// the machine runs; the file is what stays.
//
//   image (loop, read-only, shared) ─► banger-ID-image: linear, then zeros up to the size ─┐
//   the VM's file (loop) ───────────────────────────────────────────────────────────────────┴─► banger-ID: snapshot
//
// Loop devices go by themselves with what is made of them, so the two devices and the node are all that can be left
// over.
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

/// Where the nodes of the devices are: not in /dev/mapper, whose owners and modes udev sets as it sees fit.
inline constexpr const char* kSnapshotNodes = "/dev/banger";

/// The node of that VM's device; it belongs to the owner, mode 0600.
inline std::string snapshot_node(std::string_view id) { return std::string(kSnapshotNodes) + "/" + std::string(id); }

/// How long the VM's own file has to be for a disk of that size of which every block was written. Sparse, so it costs
/// nothing.
std::uint64_t snapshot_file_bytes(std::uint64_t size_bytes);

/// A snapshot that the kernel gave up, as it does when its file cannot be written, is taken up again: what was on it
/// when that happened is there, as after a power failure. Nothing is done to one that is sound, or to a file that is
/// new.
Result<> revive_snapshot_file(const std::string& path);

struct Snapshot {
  std::string id;  ///< of the VM
  uid_t uid = 0;   ///< the owner
  gid_t gid = 0;
  std::uint64_t size_bytes = 0;  ///< of the device; rounded up to whole blocks
};

/// What is below: injected, so that tests have one that needs no device-mapper.
struct SnapshotHost {
  host::DmControl& control;
  std::string nodes = kSnapshotNodes;
};

/// Makes the device and its node. One that is there already and not open is made anew. `busy` while it is open,
/// `exists` when the name is another's, `invalid` when the image is larger than the size. On failure nothing stays.
Result<> make_snapshot(const SnapshotHost& host, const Snapshot& snapshot, const UniqueFd& image, const UniqueFd& file);

/// Takes both away; fine when there is nothing. `busy` while it is open.
Result<> remove_snapshot(const SnapshotHost& host, std::string_view id, uid_t uid);

/// Ids of that owner's devices and nodes, whole or not. Needs no privilege.
std::vector<std::string> list_snapshots(uid_t uid, const std::string& sys_block = "/sys/block",
                                        const std::string& nodes = kSnapshotNodes);

/// `unsupported` with the way out where the kernel cannot do it.
Result<> check_snapshots_work();

}  // namespace banger::capabilities
