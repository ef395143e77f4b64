// template.*
#include "api/method.h"
#include "api/methods/parameters.h"
#include "api/objects/template.h"

namespace banger::api {

namespace {

constexpr Parameter kBuildParameters[] = {
    create_parameter(vm::field_named("image")),
    create_parameter(vm::field_named("kernel")),
    create_parameter(vm::field_named("vcpus")),
    create_parameter(vm::field_named("memory_bytes")),
    {.name = "rebuild", .type = Type::boolean, .initial = "false", .help = "Makes a new template in any case"},
};

constexpr Parameter kDeleteParameters[] = {
    {.name = "template", .help = "An id or a unique id prefix. Required unless `all` is true"},
    {.name = "all", .type = Type::boolean, .initial = "false", .help = "Deletes all templates"},
};

constexpr Method kMethods[] = {
    {.name = "template.list", .summary = "Lists the templates and the ready pool", .result = &TemplateList::kObject},
    {.name = "template.build",
     .summary = "Gives the template for an image, a kernel and a size",
     .details = "If there is no such template, one is made. A build that failed before is tried again.",
     .parameters = kBuildParameters,
     .result = &TemplateObject::kObject,
     .priority = Priority::foreground,
     .progress = true,
     .cancellable = true},
    {.name = "template.delete",
     .summary = "Deletes templates",
     .details = "VMs that run on a template go on.",
     .parameters = kDeleteParameters,
     .result = &DeletedTemplates::kObject},
};

constexpr const Object* kObjects[] = {
    &TemplateObject::kObject,
    &PoolObject::kObject,
    &TemplateList::kObject,
    &DeletedTemplates::kObject,
};

}  // namespace

extern const Group kTemplateGroup;
constinit const Group kTemplateGroup{
    .title = "Templates",
    .text =
        "A template is the saved state of a guest that was booted once for an image, a kernel and a size. New VMs are\n"
        "clones of a template.",
    .objects = kObjects,
    .methods = kMethods,
};

}  // namespace banger::api
