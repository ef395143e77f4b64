// The operations of the root helper that run a Firecracker in a jail, made by the jailer of the same release. The
// install names both programs, and both end up running as the install's owner. All files are beneath the owner's
// directories. The driver's part is in machine/firecracker/jail_client.h. The daemon keeps the records.
#include <nlohmann/json.hpp>

#include "capabilities/jail/jails.h"
#include "capabilities/jail/request.h"

namespace banger::capabilities {

namespace {

using Type = PrivilegedArgument::Type;

Result<> check_launch(const PrivilegedContext& context, const Json& arguments) {
  TRY(launch_request(context, arguments));
  return {};
}

Result<PrivilegedReply> launch(const PrivilegedContext& context, const Json& arguments) {
  return launch_jail(context, TRY(launch_request(context, arguments)));
}

Result<> check_end(const PrivilegedContext& context, const Json& arguments) {
  TRY(end_request(context, arguments));
  return {};
}

Result<PrivilegedReply> end(const PrivilegedContext& context, const Json& arguments) {
  TRY(end_jail(context, TRY(end_request(context, arguments))));
  return PrivilegedReply{};
}

constexpr PrivilegedArgument kId{"id", Type::text, "32 hexadecimal digits, used once"};
constexpr PrivilegedArgument kLaunch[] = {
    kId,
    {"directory", Type::text,
     "the VM's directory, which belongs to the owner. The jail and its logs are in this directory"},
    {"read", Type::list,
     "`NAME:PATH` for each file that Firecracker reads. The file belongs to the owner, or to root and is readable by "
     "all. The names are those of a kernel, an initrd, disks and saved states"},
    {"write", Type::list, "`NAME:PATH` for each file that Firecracker also writes. The file belongs to the owner"},
    {"console", Type::boolean, "whether the output goes to the VM's console log"},
    {"vcpus", Type::number, "a number from 1 to 32"},
    {"memory_bytes", Type::number, "the memory of the guest"},
};
constexpr PrivilegedArgument kEnd[] = {kId, {"directory", Type::text, "the VM's directory, or empty"}};

constexpr std::uint64_t kLaunchPowers = power(CAP_SYS_ADMIN) | power(CAP_MKNOD) | power(CAP_CHOWN) |
                                        power(CAP_DAC_OVERRIDE) | power(CAP_SETUID) | power(CAP_SETGID) |
                                        power(CAP_KILL);
constexpr std::uint64_t kEndPowers = power(CAP_KILL) | power(CAP_DAC_OVERRIDE);

constexpr PrivilegedOperation kOperations[] = {
    {"machine.jail",
     "Starts the install's Firecracker with the install's jailer, as the owner. The root directory contains only the "
     "named files, and the cgroup limits processors and memory. The reply has a descriptor of the process",
     kLaunch, check_launch, launch, "machine.unjail", kLaunchPowers, true},
    {"machine.unjail", "Kills the processes of a jail, and removes its cgroup and its directory", kEnd, check_end, end,
     "", kEndPowers, true},
};

}  // namespace

extern const Capability jail;
constinit const Capability jail = {
    .name = "jail", .resource = make_host_resource<Jails>, .privileged_ops = kOperations};

}  // namespace banger::capabilities
