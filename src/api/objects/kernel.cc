#include "api/objects/kernel.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr Field kKernelFields[] = {
    field<&KernelObject::name>("name", "The name"),
    field<&KernelObject::source>("source", "The package and its version, `import`, `bundle:ID` or `catalog:SHA256`"),
    field<&KernelObject::release>("release", "The release. Empty when the release is unknown"),
    field<&KernelObject::sha256>("sha256", "The digest of `vmlinux`"),
    field<&KernelObject::size_bytes>("size_bytes", "What the kernel occupies on the host"),
    field<&KernelObject::created_at>("created_at", "When the kernel was stored"),
    field<&KernelObject::vmlinux>("vmlinux", "The path of the kernel's file"),
    field<&KernelObject::modules>("modules", "The paths of the modules that are loaded early, in order"),
    field<&KernelObject::modules_image>("modules_image", "The path of the file system with all modules, or empty"),
    field<&KernelObject::initrd>("initrd", "The path of the initrd, or empty"),
    field<&KernelObject::used_by>("used_by", "The names of the VMs that use the kernel"),
};

constexpr Field kListFields[] = {
    field<&KernelList::kernels>("kernels", "All kernels"),
    field<&KernelList::pullable>("pullable",
                                 "The kernels of the catalog. Empty for a catalog behind a URL that no call has read"),
};

constexpr Field kNameFields[] = {field<&KernelName::name>("name", "The name")};

}  // namespace

constinit const Object KernelObject::kObject{.name = "kernel object", .fields = kKernelFields};
constinit const Object KernelList::kObject{.name = "kernel list", .fields = kListFields};
constinit const Object KernelName::kObject{.name = "kernel name", .fields = kNameFields};

}  // namespace banger::api
