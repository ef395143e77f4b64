#include "roles/cli/system/units.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "capabilities/privileged_table.h"
#include "config/install.h"

namespace banger::roles::cli {

namespace {

// What holds for both: nothing of the kernel's own, no new privileges, no file system but what is named.
constexpr std::string_view kCommon = R"(NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateMounts=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
UMask=0077
DevicePolicy=closed
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
)";

constexpr LeftOut kLeftOutOfHelper[] = {
    {"User=", "links, addresses and firewall rules are root's; what root may do is cut down to the capabilities below"},
    {"PrivateNetwork=", "the host's network is what it works on"},
    {"PrivateDevices=",
     "it would hide /dev/net/tun, loop devices and device-mapper; `DevicePolicy=closed` leaves those and the harmless "
     "ones"},
    {"ProtectHome=yes",
     "homes are hidden but for banger's own directories in the owner's, where the files of snapshots are"},
    {"PrivateUsers=", "in a user namespace of its own it would have no rights over the host's network"},
    {"ProcSubset=", "it would hide /proc/sys/net, where forwarding is turned on"},
    {"RestrictAddressFamilies=~AF_UNIX, ~AF_NETLINK", "its own socket, and how links and rules are changed"},
    {"SystemCallFilter=~@privileged",
     "all of it but `capset`, with which it gives powers up, and changing owners; its own filter, which is far "
     "narrower, comes on top"},
};

constexpr LeftOut kLeftOutOfDaemon[] = {
    {"MemoryDenyWriteExecute=", "QEMU without KVM translates the guest's code to code of the host"},
    {"PrivateNetwork=, IPAddressDeny=", "guests reach the network through it"},
    {"PrivateDevices=",
     "it would hide /dev/kvm; `DevicePolicy=closed` leaves that, the network's devices, those made by device-mapper "
     "and the harmless ones"},
    {"PrivateUsers=",
     "VMs outlive the daemon, and the next one must be able to read and signal those of the one before"},
    {"ProtectHome=yes",
     "disk images are imported from the owner's files, so homes are read-only; banger's own directories in them can be "
     "written"},
    {"ProcSubset=", "it would hide /proc/meminfo, which says how many VMs the host can take"},
    {"RemoveIPC=", "nothing of banger leaves any; the owner's other programs keep theirs"},
    {"SystemCallFilter=~@resources", "QEMU sets the priority and processors of its threads"},
    {"KillMode=control-group", "VMs go on when the daemon ends or is replaced, so `KillMode=process`"},
};

constexpr LeftOut kLeftOutForJails[] = {
    {"CapabilityBoundingSet=",
     "mounts in a namespace of its own, device nodes in the jail, and becoming the owner; the operations' rows say "
     "which of them need what"},
    {"ProtectHome=yes",
     "a VM's disks are in the owner's home; banger's own directories there can be written, for the jail's is made in "
     "the VM's"},
    {"RestrictNamespaces=yes", "each jail is a mount namespace; no other kind can be made"},
    {"SystemCallFilter=",
     "`@mount` and `@setuid` for the same, and `seccomp`, with which Firecracker confines itself further; the "
     "operations that are not about "
     "jails take the narrow filter in addition"},
    {"DeviceAllow=", "the jailer makes nodes (`m`) of these devices, and opens none"},
    {"ProtectControlGroups=",
     "each jail has a cgroup of its own, `banger/ID`, outside the helper's: so a VM is held to its own limits and "
     "lives on when the helper ends"},
    {"ProtectProc=", "what runs in a jail is found by the id on its command line"},
    {"KillMode=process, MemoryMax=infinity", "on a host without cgroup v2 its VMs stay in the helper's group"},
};

constexpr std::pair<int, std::string_view> kCapabilityNames[] = {
    {CAP_CHOWN, "CAP_CHOWN"},
    {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
    {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
    {CAP_FOWNER, "CAP_FOWNER"},
    {CAP_KILL, "CAP_KILL"},
    {CAP_SETGID, "CAP_SETGID"},
    {CAP_SETUID, "CAP_SETUID"},
    {CAP_SETPCAP, "CAP_SETPCAP"},
    {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE"},
    {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
    {CAP_NET_RAW, "CAP_NET_RAW"},
    {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
    {CAP_MKNOD, "CAP_MKNOD"},
    {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE"},
};

std::uint64_t powers_of_all(bool jails) {
  std::uint64_t powers = 0;
  for (const auto* operation : capabilities::privileged_table())
    if (jails || !operation->jails) powers |= operation->powers;
  return powers;
}

UnitFile socket_unit(const host::User& owner) {
  return {std::string(kSocketUnit), fmt::format(R"({}[Unit]
Description=Socket of banger's root helper

[Socket]
ListenStream={}
SocketUser={}
SocketMode=0600
DirectoryMode=0755
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
)",
                                                kOursLine, config::kHelperSocket, owner.name)};
}

// KillMode=mixed: told to stop it lets the operation under way end, whose programs must not be hit by the same signal.
UnitFile helper_unit(const host::User& owner, const std::string& program, const config::Install& install) {
  return {
      std::string(kHelperUnit),
      fmt::format(R"({}[Unit]
Description=banger's root helper
Requires={}
After={}

[Service]
Type=exec
ExecStart={} bangerd-root
KillMode=mixed
Restart=on-failure
MemoryMax=256M
TasksMax=128
CapabilityBoundingSet={}
ReadWritePaths=/proc/sys/net
ProtectHome=tmpfs
BindPaths=-{}
BindReadOnlyPaths=-{}
DeviceAllow=/dev/net/tun rw
DeviceAllow=/dev/loop-control rw
DeviceAllow=/dev/mapper/control rw
DeviceAllow=block-loop rw
DeviceAllow=block-device-mapper rwm
RestrictAddressFamilies=AF_UNIX AF_NETLINK
IPAddressDeny=any
MemoryDenyWriteExecute=yes
{}SystemCallFilter=~@privileged @resources
SystemCallFilter=@chown capset
{})",
                  kOursLine, kSocketUnit, kSocketUnit, program, join(capability_names_of(powers_of_all(false)), " "),
                  owner_directories(owner)[0], owner_directories(owner)[1], kCommon, jail_lines(install))};
}

UnitFile daemon_unit(const host::User& owner, const std::string& program) {
  return {std::string(kDaemonUnit), fmt::format(R"({}[Unit]
Description=banger's daemon of {}
Wants={}
After=network.target {}

[Service]
Type=exec
User={}
ExecStart={} bangerd --log-file
Environment=PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
KillMode=process
OOMPolicy=continue
Restart=on-failure
CapabilityBoundingSet=
ProtectHome=read-only
ReadWritePaths={}
DeviceAllow=/dev/kvm rw
DeviceAllow=/dev/vhost-net rw
DeviceAllow=/dev/vhost-vsock rw
DeviceAllow=/dev/net/tun rw
DeviceAllow=block-device-mapper rw
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
{}SystemCallFilter=~@privileged
SystemCallFilter=@chown seccomp

[Install]
WantedBy=multi-user.target
)",
                                                kOursLine, owner.name, kSocketUnit, kSocketUnit, owner.name, program,
                                                join(owner_directories(owner), " "), kCommon)};
}

}  // namespace

std::vector<std::string> owner_directories(const host::User& owner) {
  return {owner.home + "/.local/state/banger", owner.home + "/.local/share/banger", owner.home + "/.cache/banger"};
}

std::string jail_lines(const config::Install& install) {
  if (install.jailer.empty()) return {};
  std::string roots;
  for (const auto& root : install.roots) roots += " -" + root;  // '-': it need not be there yet
  return fmt::format(R"(CapabilityBoundingSet={}
KillMode=process
MemoryMax=infinity
TasksMax=infinity
ProtectHome=read-only
ReadWritePaths={}
RestrictNamespaces=mnt
ProtectControlGroups=no
ProtectProc=default
DeviceAllow=/dev/net/tun rwm
DeviceAllow=/dev/kvm rwm
DeviceAllow=/dev/userfaultfd rwm
SystemCallFilter=@mount @setuid seccomp setrlimit userfaultfd
)",
                     join(capability_names_of(powers_of_all(true)), " "), trim(roots));
}

std::vector<UnitFile> unit_files(const host::User& owner, const std::string& program, const config::Install& install) {
  return {socket_unit(owner), helper_unit(owner, program, install), daemon_unit(owner, program)};
}

std::span<const LeftOut> left_out_of_helper() { return kLeftOutOfHelper; }
std::span<const LeftOut> left_out_for_jails() { return kLeftOutForJails; }
std::span<const LeftOut> left_out_of_daemon() { return kLeftOutOfDaemon; }

std::vector<std::string> capability_names_of(std::uint64_t powers) {
  std::vector<std::string> names;
  for (int number = 0; number < 64; ++number) {
    if (!(powers >> number & 1)) continue;
    auto named = std::ranges::find(kCapabilityNames, number, &std::pair<int, std::string_view>::first);
    names.push_back(named == std::end(kCapabilityNames) ? std::to_string(number) : std::string(named->second));
  }
  return names;
}

}  // namespace banger::roles::cli
