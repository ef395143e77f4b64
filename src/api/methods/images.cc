// image.*
#include "api/method.h"
#include "api/objects/image.h"
#include "api/objects/vm.h"

namespace banger::api {

namespace {

constexpr Parameter kImageParameters[] = {{.name = "image", .required = true, .help = "A name or an id"}};
constexpr Parameter kBuildParameters[] = {{.name = "name", .required = true, .help = "The name of a recipe"}};
constexpr Parameter kImportParameters[] = {
    {.name = "name", .required = true, .help = "The name of the new image"},
    {.name = "tar", .type = Type::path, .required = true, .help = "The tar of a root file system, on the host"},
    {.name = "kernel", .initial = "\"debian-cloud\"", .help = "The name of the kernel that the image asks for"},
    {.name = "config",
     .help =
         "How programs of the image want to run: the text of an OCI image configuration, or of its object `config`"},
};

constexpr Method kMethods[] = {
    {.name = "image.list", .summary = "Lists images and recipes", .result = &ImageList::kObject},
    {.name = "image.show",
     .summary = "Describes one image",
     .parameters = kImageParameters,
     .result = &ImageObject::kObject},
    {.name = "image.build",
     .summary = "Builds an image from a recipe",
     .details = "An older image of that name is removed. If a VM was made from the older image, the image only loses "
                "its name.",
     .parameters = kBuildParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.import",
     .summary = "Makes an image from a tar",
     .parameters = kImportParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.delete",
     .summary = "Deletes an image",
     .details = "Fails with `busy` while a VM uses the image. The error names the VM.",
     .parameters = kImageParameters,
     .result = &Named::kObject},
};

constexpr const Object* kObjects[] = {&RunConfigObject::kObject, &ImageObject::kObject, &RecipeObject::kObject,
                                      &ImageList::kObject};

}  // namespace

extern const Group kImageGroup;
constinit const Group kImageGroup{.title = "Images", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
