// What `vm run`, `vm create` and `vm set` say about a VM's shape, and how it is asked for.
#pragma once

#include "base/json.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "vm/spec.h"

namespace banger::roles::cli {

inline constexpr Option kNameOption{
    .name = "name", .kind = Kind::text, .value = "NAME", .help = "the VM's name (default: one is made up)"};
inline constexpr Option kImageOption{.name = "image",
                                     .kind = Kind::text,
                                     .value = "IMAGE",
                                     .help = "what it boots from",
                                     .names = Names::image,
                                     .default_key = "image"};
inline constexpr Option kKernelOption{.name = "kernel",
                                      .kind = Kind::text,
                                      .value = "KERNEL",
                                      .help = "boot this kernel instead of the image's own",
                                      .names = Names::kernel};
inline constexpr Option kVcpuOption{
    .name = "vcpu", .kind = Kind::count, .value = "N", .help = "processors", .default_key = "vcpus"};
inline constexpr Option kMemoryOption{.name = "memory",
                                      .kind = Kind::size_mib,
                                      .value = "SIZE",
                                      .help = "memory, as 2G or 512M; a bare number is MiB",
                                      .default_key = "memory_bytes"};
inline constexpr Option kDiskOption{.name = "disk-size",
                                    .kind = Kind::size,
                                    .value = "SIZE",
                                    .help = "room in /root, as 8G",
                                    .default_key = "disk_bytes"};
inline constexpr Option kSystemOption{.name = "system-size",
                                      .kind = Kind::size,
                                      .value = "SIZE",
                                      .help = "room for changes outside /root",
                                      .default_key = "system_bytes"};
inline constexpr Option kNatOption{
    .name = "nat", .kind = Kind::toggle, .help = "let it reach the network, or not (default: it may)"};
inline constexpr auto kNetworks = texts_of(vm::kNetworkChoiceWords);
inline constexpr Option kNetworkOption{.name = "network",
                                       .kind = Kind::text,
                                       .value = "WHICH",
                                       .help = "behind its own machine (user), or with an address on the host's bridge",
                                       .names = Names::choice,
                                       .choices = kNetworks};
inline constexpr auto kStorages = texts_of(vm::kStorageWords);
inline constexpr Option kStorageOption{
    .name = "storage",
    .kind = Kind::text,
    .value = "WHICH",
    .help =
        "its root: the image with its own disk over it, a copy of the image, or a snapshot of "
        "it by the host's kernel",
    .names = Names::choice,
    .choices = kStorages};
inline constexpr Option kLabelOption{
    .name = "label", .kind = Kind::pair, .value = "KEY=VALUE", .help = "attach a label; may be repeated"};

inline constexpr Option kColdOption{.name = "cold", .help = "boot instead of cloning a template"};

/// Only what was given on the command line, as vm.create and vm.set call it.
Json given_shape(const Args& args);

/// What `spec:` says of a VM object or of parameters, on standard error.
void say_spec(const Io& io, const Json& shape);

/// vm.create's parameters with every size filled in from host.defaults; says them with say_spec.
Result<Json> resolved_shape(Context& context, Daemon& daemon);

}  // namespace banger::roles::cli
