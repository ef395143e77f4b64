#include "api/objects/template.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kStates[] = {"building", "ready", "stale"};
constexpr std::string_view kPoolStates[] = {"filling", "ready"};

constexpr Field kTemplateFields[] = {
    field<&TemplateObject::id>("id", "The id"),
    field<&TemplateObject::image>("image", "The name of the image"),
    field<&TemplateObject::image_id>("image_id", "The id of the image"),
    field<&TemplateObject::kernel>("kernel", "The name of the kernel"),
    field<&TemplateObject::vcpus>("vcpus", "Virtual processors"),
    field<&TemplateObject::memory_bytes>("memory_bytes", "The guest's memory"),
    field<&TemplateObject::disk_bytes>("disk_bytes", "The size of the work disk. The disk of a clone may be larger"),
    field<&TemplateObject::system_bytes>("system_bytes", "The size of the system disk, likewise"),
    field<&TemplateObject::storage>("storage", "The kind of system disk"),
    field<&TemplateObject::network>("network", "The kind of network"),
    field<&TemplateObject::nat>("nat", "Whether the template's guest could reach hosts outside"),
    field<&TemplateObject::machine>("machine", "The VMM and its version"),
    field<&TemplateObject::state>("state", "`stale`: kept only for the VMs that run on the template").one_of(kStates),
    field<&TemplateObject::created_at>("created_at", "When the template was made"),
    field<&TemplateObject::used_at>("used_at", "When a VM was last cloned from the template"),
    field<&TemplateObject::size_bytes>("size_bytes", "What the template occupies on the host"),
    field<&TemplateObject::used_by>("used_by", "The names of the VMs that run on the template's memory"),
};

constexpr Field kPoolFields[] = {
    field<&PoolObject::id>("id", "The id"),
    field<&PoolObject::template_id>("template", "The id of the template"),
    field<&PoolObject::state>("state", "The state").one_of(kPoolStates),
    field<&PoolObject::age_s>("age_s", "Seconds since the clone was begun"),
    field<&PoolObject::pss_bytes>("pss_bytes", "The VMM's proportional share of memory on the host"),
};

constexpr Field kListFields[] = {
    field<&TemplateList::templates>("templates", "All templates"),
    field<&TemplateList::pool>("pool", "The clones in the ready pool"),
};

constexpr Field kDeletedFields[] = {
    field<&DeletedTemplates::deleted>("deleted", "The ids of the deleted templates"),
};

}  // namespace

constinit const Object TemplateObject::kObject{.name = "template object", .fields = kTemplateFields};
constinit const Object PoolObject::kObject{.name = "pool object", .fields = kPoolFields};
constinit const Object TemplateList::kObject{.name = "template list", .fields = kListFields};
constinit const Object DeletedTemplates::kObject{.name = "deletion result", .fields = kDeletedFields};

}  // namespace banger::api
