// Bounds of the capabilities' work, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- disks
inline constexpr std::uint64_t kMinFreeDiskBytes =
    256 * kMiB;  ///< with less, a guest's first writes would already fail

// -- bridge
inline constexpr auto kBridgeUpkeepInterval = 30s;  ///< between attempts to remove taps and an idle bridge
inline constexpr auto kBridgeCloseDeadline = 5s;    ///< for an operation under way when the daemon ends
inline constexpr auto kHostAddressInterval = 5s;    ///< between looks at this host's addresses, which take 0.1 ms
inline constexpr int kFirstGatePort = 1024;         ///< lower ports belong to services of the host
inline constexpr auto kResolvectlDeadline = 5s;     ///< resolvectl needs 20 ms

// -- proxy of the host
inline constexpr std::uint16_t kProxyPort = 3128;  ///< of the relay in a private network; proxies often have it
/// Of relays on a bridge of the host, one for each daemon: below the ports that kernels give out, above most services.
inline constexpr std::uint16_t kFirstProxyPort = 20'000, kProxyPorts = 10'000;
inline constexpr std::size_t kProxyConnections = 256;        ///< of one guest at once; browsers and builds open dozens
inline constexpr std::size_t kProxyConnectionsOfGate = 512;  ///< of all guests with an egress policy together
inline constexpr std::size_t kProxyConnectionsOfAll = 1024;  ///< each has two descriptors
inline constexpr int kProxyBacklog = 256;                    ///< connections that wait to be accepted
inline constexpr auto kProxyHeadPatience = 20s;              ///< for the whole head of a guest's request
inline constexpr auto kProxyConnectPatience = 20s;      ///< for the lookup of the proxy, and for a connection to it
inline constexpr auto kProxyAnswerPatience = 120s;      ///< for a tunnel: kernels try that long to connect
inline constexpr auto kProxyEndPatience = 60s;          ///< for bytes of a guest whose server has ended its side
inline constexpr auto kProxyLastWordPatience = 3s;      ///< for a guest to close after a refusal in words
inline constexpr std::size_t kNoProxyBytes = 8 * kKiB;  ///< of the host's NO_PROXY; long lists have 1 KiB

// -- jails
inline constexpr std::size_t kJailErrorBytes = 1024;  ///< error of a process that did not become the jailer
inline constexpr auto kJailEndFirstPause = 2s;        ///< before the second attempt to remove a jail; then doubled
inline constexpr auto kJailEndLongestPause = 60s;     ///< up to this

// -- cgroups of VMMs
/// Memory of a VMM beside its guest's: translated code, buffers of its disks, and files that it maps or writes.
inline constexpr std::uint64_t kVmmShareBytes = 1 * kGiB;
inline constexpr std::uint64_t kVmmShareTasks = 512;  ///< threads beside the processors; QEMU has 64 for its disks
inline constexpr auto kCgroupRemoveDeadline = 500ms;  ///< for the last thread of a killed VMM to leave
inline constexpr auto kCgroupRemovePoll = 10ms;       ///< between attempts

// -- snapshots
inline constexpr std::size_t kSnapshots = 1024;       ///< devices of one owner; a running VM has one
inline constexpr auto kSnapshotRemoveInterval = 30s;  ///< between attempts to remove devices that were in use

// -- synced files
inline constexpr std::uint64_t kSyncBytes = 1 * kGiB;  ///< of all entries together; larger things are copied by hand
inline constexpr std::size_t kSyncObjects = 20'000;    ///< files and directories; a home's settings have hundreds
inline constexpr std::size_t kSyncDepth = 64;          ///< nested directories; each holds a descriptor
inline constexpr std::size_t kSyncWarnings = 20;       ///< then a count follows; a directory of links has thousands
inline constexpr auto kSyncDeadline = 5min;            ///< for one entry; 1 GiB takes 10 s, under emulation a minute
inline constexpr auto kSyncPoll = 50ms;                ///< how soon a sync notices that nobody waits for it
inline constexpr std::size_t kSyncChunkBytes = 64 * kKiB;  ///< one read of a packed entry, and one frame of the link

// -- settings of the host
inline constexpr std::size_t kZoneFileBytes = 64 * kKiB;    ///< the longest file of a zone has 4 KiB
inline constexpr std::size_t kZoneRuleBytes = 128;          ///< the longest rule has 40 bytes
inline constexpr std::size_t kLocaleFileBytes = 64 * kKiB;  ///< a few lines

// -- files in the guest and of the VM
inline constexpr std::size_t kSshKeyFileBytes = 64 * kKiB;   ///< one half of a host key; it has 400 bytes
inline constexpr std::size_t kKnownHostsBytes = 4 * kMiB;    ///< 200 bytes for each VM
inline constexpr std::size_t kIdentityFileBytes = 1 * kMiB;  ///< /etc/hosts, /etc/resolv.conf and the like
/// A fork stands still for a moment, or for seconds on a busy host. No command notices that much before its end.
inline constexpr std::int64_t kClockStepThatWaitsNs = 3'000'000'000;

}  // namespace banger::limits
