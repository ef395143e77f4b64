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

// The settings of both services. They deny changes to the kernel, new privileges, and all of the file system that is
// not named.
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
    {"User=", "links, addresses and firewall rules belong to root. The capabilities below limit what root may do"},
    {"PrivateNetwork=", "the helper works on the host's network"},
    {"PrivateDevices=",
     "it would hide /dev/net/tun, loop devices and device-mapper. `DevicePolicy=closed` allows those and harmless "
     "devices"},
    {"ProtectHome=yes",
     "only banger's own directories in the owner's home are visible. The files of snapshots are there"},
    {"PrivateUsers=", "in a user namespace of its own, the helper would have no rights over the host's network"},
    {"ProcSubset=", "it would hide /proc/sys/net, which turns forwarding on"},
    {"RestrictAddressFamilies=~AF_UNIX, ~AF_NETLINK",
     "the helper listens on a Unix socket, and changes links and rules over netlink"},
    {"SystemCallFilter=~@privileged",
     "the unit allows `capset` and changes of owners, and refuses the rest. The helper adds its own filter, which is "
     "far narrower"},
};

constexpr LeftOut kLeftOutOfDaemon[] = {
    {"MemoryDenyWriteExecute=", "QEMU without KVM translates the guest's code to code of the host"},
    {"PrivateNetwork=, IPAddressDeny=", "the VMMs of the daemon connect guests to the network"},
    {"PrivateDevices=",
     "it would hide /dev/kvm. `DevicePolicy=closed` allows /dev/kvm, network devices, device-mapper and harmless "
     "devices"},
    {"PrivateUsers=", "VMs outlive the daemon. The next daemon must be able to read and signal them"},
    {"ProtectHome=yes",
     "disk images are imported from the owner's files, so homes are read-only. Only banger's own directories can be "
     "written"},
    {"ProcSubset=", "it would hide /proc/meminfo, which says how many VMs the host can take"},
    {"RemoveIPC=", "banger leaves no IPC objects, and the owner's other programs keep theirs"},
    {"SystemCallFilter=~@resources", "QEMU sets the priority and processors of its threads"},
    {"KillMode=control-group", "VMs go on when the daemon ends or is replaced, so the unit has `KillMode=process`"},
};

constexpr LeftOut kLeftOutForJails[] = {
    {"CapabilityBoundingSet=",
     "jails require mounts in a namespace, device nodes and the owner's identity. Each operation above lists its "
     "capabilities"},
    {"ProtectHome=yes",
     "a VM's disks and its jail are in the owner's home. Only banger's own directories there can be written"},
    {"RestrictNamespaces=yes", "each jail is a mount namespace. Other kinds of namespaces cannot be made"},
    {"SystemCallFilter=",
     "jails require `@mount` and `@setuid`, and Firecracker confines itself further with `seccomp`. Operations without "
     "jails add the narrow filter"},
    {"DeviceAllow=", "the jailer makes nodes (`m`) of these devices, and opens none"},
    {"ProtectControlGroups=",
     "each jail has a cgroup of its own, `banger/ID`, outside the helper's. So a VM has its own limits and survives "
     "the helper"},
    {"ProtectProc=", "the process in a jail is found by the id on its command line"},
    {"KillMode=process, MemoryMax=infinity", "on a host without cgroup v2, VMs stay in the helper's group"},
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

enum class Jails { left_out, included };

std::uint64_t powers_of_all(Jails jails) {
  std::uint64_t powers = 0;
  for (const auto* operation : capabilities::privileged_table())
    if (jails == Jails::included || !operation->jails) powers |= operation->powers;
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

// KillMode=mixed sends the signal only to the helper. The helper lets the running operation end, and the operation's
// programs must not get the signal.
UnitFile helper_unit(const host::User& owner, const std::string& program, const config::Install& install) {
  return {std::string(kHelperUnit),
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
                      kOursLine, kSocketUnit, kSocketUnit, program,
                      join(capability_names_of(powers_of_all(Jails::left_out)), " "), owner_directories(owner)[0],
                      owner_directories(owner)[1], kCommon, jail_lines(install))};
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
SystemCallFilter=@chown seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self

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
  for (const auto& root : install.roots) roots += " -" + root;  // '-': the directory may not exist yet
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
                     join(capability_names_of(powers_of_all(Jails::included)), " "), trim(roots));
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
