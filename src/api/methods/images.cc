// image.*
#include "api/method.h"
#include "api/objects/catalog.h"
#include "api/objects/image.h"
#include "api/objects/vm.h"

namespace banger::api {

namespace {

constexpr Parameter kImageParameters[] = {{.name = "image", .required = true, .help = "A name or an id"}};
constexpr Parameter kBuildParameters[] = {{.name = "name", .required = true, .help = "The name of a recipe"}};
constexpr Parameter kFromVmParameters[] = {
    {.name = "vm", .required = true, .help = "The name or the id of a running VM"},
    {.name = "name", .required = true, .help = "The name of the new image"},
};
constexpr Parameter kFromLayoutParameters[] = {
    {.name = "layout", .type = Type::path, .required = true, .help = "A tar of the OCI layout, on the host"},
    {.name = "name", .required = true, .help = "The name of the new image: a plain one, or a reference"},
    {.name = "kernel", .initial = "\"debian-cloud\"", .help = "The name of the kernel that the image asks for"},
};
constexpr Parameter kImportParameters[] = {
    {.name = "name", .required = true, .help = "The name of the new image"},
    {.name = "tar", .type = Type::path, .required = true, .help = "The tar of a root file system, on the host"},
    {.name = "kernel", .initial = "\"debian-cloud\"", .help = "The name of the kernel that the image asks for"},
    {.name = "config",
     .help =
         "How programs of the image want to run: the text of an OCI image configuration, or of its object `config`"},
};

constexpr Parameter kPullParameters[] = {
    {.name = "reference",
     .required = true,
     .help = "What to pull: a name of the catalog, or else `python:3.12`, `host:5000/a/b@sha256:…`"},
    {.name = "force",
     .type = Type::boolean,
     .initial = "false",
     .help = "Makes the image anew, even if it is here, and checks the cached layers first"},
};
constexpr Parameter kPushParameters[] = {
    {.name = "image", .required = true, .help = "A name or an id"},
    {.name = "reference", .required = true, .help = "Where to: `host:5000/team/app:tag`"},
};
constexpr Parameter kTagParameters[] = {
    {.name = "image", .required = true, .help = "A name or an id"},
    {.name = "name", .required = true, .help = "The new name: a plain one, or a reference"},
};

constexpr Parameter kRegisterParameters[] = {
    {.name = "name", .required = true, .help = "The name of the new image"},
    {.name = "rootfs", .type = Type::path, .required = true, .help = "An ext4 file system in a file, on the host"},
    {.name = "kernel", .initial = "\"debian-cloud\"", .help = "The name of the kernel that the image asks for"},
};

constexpr Parameter kImportBundleParameters[] = {
    {.name = "bundle", .type = Type::path, .required = true, .help = "The bundle, on the host"},
    {.name = "name", .help = "The name of the new image; by default that of the bundle"},
};

constexpr Method kMethods[] = {
    {.name = "catalog.show",
     .summary = "Reads the catalog of images and kernels",
     .details = "A catalog behind a URL is fetched anew.",
     .result = &CatalogObject::kObject,
     .cancellable = true},
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
    {.name = "image.import_bundle",
     .summary = "Makes an image from a bundle",
     .details = "'banger image export' writes bundles. A bundle that does not match its manifest is refused.",
     .parameters = kImportBundleParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.build_from_vm",
     .summary = "Makes an image from the files of a running VM",
     .details = "The VM keeps running. An older image of that name is treated as by `image.build`. The image gets the "
                "VM's files, with `/root`, and neither its machine id, host keys, authorised keys nor variables.",
     .parameters = kFromVmParameters,
     .result = &GuestImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.build_from_layout",
     .summary = "Makes an image from an OCI layout, as buildah and skopeo write it",
     .details = "The layout has one image for linux/amd64. Layers that it lacks are taken from images that are here. "
                "An older image of that name is treated as by `image.build`.",
     .parameters = kFromLayoutParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.register",
     .summary = "Makes an image that uses a file of the host",
     .details = "The file stays where it is, and is never changed or deleted. VMs of the image do not start while the "
                "file is missing, or after its size or its time has changed.",
     .parameters = kRegisterParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.promote",
     .summary = "Copies the file of a registered image into the store",
     .details = "The image needs the host's file no more. Does nothing for other images.",
     .parameters = kImageParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.import",
     .summary = "Makes an image from a tar",
     .parameters = kImportParameters,
     .result = &ImageObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.pull",
     .summary = "Pulls an image of the catalog, or from a registry",
     .details = "An image of the catalog gets the catalog's name, another one its full reference. An older image loses "
                "this name, and is removed if it has no other name and no VM was made from it. The sources of an entry "
                "are tried in their order. Each failure is a progress report with the stage `warning`.",
     .parameters = kPullParameters,
     .result = &PullObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.push",
     .summary = "Pushes an image into a registry",
     .details =
         "A pulled image keeps its manifest and layers, and thus its digest. An image from one of its VMs has these "
         "layers, and one with what is different. Another image becomes one layer.",
     .parameters = kPushParameters,
     .result = &PushObject::kObject,
     .progress = true,
     .cancellable = true},
    {.name = "image.prune",
     .summary = "Removes layers that no image needs",
     .details = "Unfinished downloads are removed too. The layers of running pulls are kept.",
     .result = &PruneObject::kObject},
    {.name = "image.tag",
     .summary = "Gives an image one more name",
     .details = "If another image has the name, that image loses it.",
     .parameters = kTagParameters,
     .result = &ImageObject::kObject},
    {.name = "image.inspect",
     .summary = "Returns the OCI configuration of a pulled image",
     .parameters = kImageParameters,
     .result = &InspectObject::kObject},
    {.name = "image.delete",
     .summary = "Deletes an image",
     .details = "If the image has several names and one of them is given, only this name is taken away. Otherwise "
                "fails with `busy` while a VM uses the image. The error names the VM. The file of a registered image "
                "stays.",
     .parameters = kImageParameters,
     .result = &Named::kObject},
};

constexpr const Object* kObjects[] = {&RunConfigObject::kObject, &LayerObject::kObject,        &ImageObject::kObject,
                                      &PullObject::kObject,      &GuestImageObject::kObject,   &PushObject::kObject,
                                      &PruneObject::kObject,     &InspectObject::kObject,      &RecipeObject::kObject,
                                      &ImageList::kObject,       &CatalogEntryObject::kObject, &CatalogObject::kObject};

}  // namespace

extern const Group kImageGroup;
constinit const Group kImageGroup{.title = "Images", .objects = kObjects, .methods = kMethods};

}  // namespace banger::api
