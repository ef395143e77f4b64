// kernel.*
#include "api/method.h"
#include "api/objects/kernel.h"

namespace banger::api {

namespace {

constexpr Parameter kKernelParameters[] = {{.name = "kernel", .required = true, .help = "A name"}};
constexpr Parameter kPullParameters[] = {{.name = "name", .required = true, .help = "A name of the catalog"}};
constexpr Parameter kImportParameters[] = {
    {.name = "name", .required = true, .help = "The name of the new kernel"},
    {.name = "vmlinux", .type = Type::path, .required = true, .help = "The kernel's file, on the host"},
    {.name = "modules", .type = Type::path, .help = "The directory of the modules, on the host"},
    {.name = "initrd", .type = Type::path, .help = "An initrd, on the host"},
};

constexpr Parameter kImportBundleParameters[] = {
    {.name = "bundle", .type = Type::path, .required = true, .help = "The bundle, on the host"},
    {.name = "name", .help = "The name of the new kernel; by default that of the bundle"},
};

constexpr Method kMethods[] = {
    {.name = "kernel.list", .summary = "Lists kernels", .result = &KernelList::kObject},
    {.name = "kernel.show",
     .summary = "Describes one kernel",
     .parameters = kKernelParameters,
     .result = &KernelObject::kObject},
    {.name = "kernel.pull",
     .summary = "Downloads a kernel of the catalog",
     .details = "An older kernel of that name is replaced. Failed sources are reported as by `image.pull`.",
     .parameters = kPullParameters,
     .result = &KernelObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "kernel.import_bundle",
     .summary = "Makes a kernel from a bundle",
     .details = "'banger kernel export' writes bundles. A bundle that does not match its manifest is refused.",
     .parameters = kImportBundleParameters,
     .result = &KernelObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "kernel.import",
     .summary = "Stores a kernel that is on the host",
     .parameters = kImportParameters,
     .result = &KernelObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "kernel.delete",
     .summary = "Deletes a kernel",
     .details = "Fails with `busy` while a VM uses the kernel. The error names the VM.",
     .parameters = kKernelParameters,
     .result = &KernelName::kObject},
};

constexpr const Object* kObjects[] = {&KernelObject::kObject, &KernelList::kObject, &KernelName::kObject};

}  // namespace

extern const Group kKernelGroup;
constinit const Group kKernelGroup{.title = "Kernels", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
