// Arguments and options that several commands have.
#pragma once

#include <string>

#include "roles/cli/command.h"

namespace banger::roles::cli {

inline constexpr Positional kVmArgument{.name = "VM", .help = "a name, id or unique id prefix", .names = Names::vm};
inline constexpr Positional kVmsArgument{
    .name = "VM", .help = "names, ids or unique id prefixes", .names = Names::vm, .repeated = true};
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

/// `path` as an absolute path, because the daemon has another working directory.
std::string absolute_path(const std::string& path);

}  // namespace banger::roles::cli
