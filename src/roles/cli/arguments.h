// Arguments and options that several commands have.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

inline constexpr Positional kVmArgument{.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm};
inline constexpr Positional kVmsArgument{
    .name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true};
/// For commands that also have --all. The handler calls check_vms_or_all().
inline constexpr Positional kVmsOrAllArgument{
    .name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .required = false, .repeated = true};
/// Exactly one of VM and --all must be given. A mistake is reported and gives its exit status.
std::optional<int> check_vms_or_all(Context& context);

inline constexpr Positional kImageArgument{
    .name = "IMAGE", .help = "a name, id or unique id prefix", .names = Names::image};
inline constexpr Positional kImagesArgument{
    .name = "IMAGE", .help = "names, ids or unique id prefixes", .names = Names::image, .repeated = true};
inline constexpr Positional kKernelsArgument{
    .name = "KERNEL", .help = "names", .names = Names::kernel, .repeated = true};
inline constexpr Positional kKernelArgument{.name = "KERNEL", .help = "a name", .names = Names::kernel};

inline constexpr std::string_view kWaits[] = {"agent", "system"};
inline constexpr Option kWaitOption{
    .name = "wait",
    .kind = Kind::text,
    .value = "WHAT",
    .help =
        "what to wait for: the agent answers, or the guest has booted (default: system, if the "
        "guest boots)",
    .names = Names::choice,
    .choices = kWaits};

/// `--timeout` of the commands that stop VMs.
constexpr Option stop_timeout_option() {
  return {.name = "timeout",
          .kind = Kind::duration,
          .value = "TIME",
          .help = "how long the guest may take before it is forced to end, like 10s (default: 30s)"};
}
/// Adds --timeout to the parameters. A mistake is reported and gives its exit status.
std::optional<int> add_stop_timeout(Context& context, Json& params);

/// `path` as an absolute path, because the daemon has another working directory.
std::string absolute_path(const std::string& path);

}  // namespace banger::roles::cli
