#include "api/objects/image.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kInits[] = {"systemd", "openrc", "runit", "busybox", "none", "other"};

constexpr Field kImageFields[] = {
    field<&ImageObject::id>("id", "The id"),
    field<&ImageObject::name>("name", "The name. Empty after another image has taken the name"),
    field<&ImageObject::source>("source", "`recipe:NAME` or `import`"),
    field<&ImageObject::kernel>("kernel", "The name of the kernel that the image asks for"),
    field<&ImageObject::sha256>("sha256", "The digest of the root file system"),
    field<&ImageObject::size_bytes>("size_bytes", "What the image occupies on the host"),
    field<&ImageObject::rootfs_bytes>("rootfs_bytes", "The length of the root file system"),
    field<&ImageObject::created_at>("created_at", "When the image was made"),
    field<&ImageObject::init>("init", "The init system").one_of(kInits),
    field<&ImageObject::rootfs>("rootfs", "The path of the root file system"),
    field<&ImageObject::work_seed>("work_seed", "The path of the work seed"),
    field<&ImageObject::used_by>("used_by", "The names of the VMs that were made from the image"),
};

constexpr Field kRecipeFields[] = {
    field<&RecipeObject::name>("name", "The name"),
    field<&RecipeObject::description>("description", "What the image contains"),
};

constexpr Field kListFields[] = {
    field<&ImageList::images>("images", "All images"),
    field<&ImageList::recipes>("recipes", "The recipes that `image.build` knows"),
};

}  // namespace

constinit const Object ImageObject::kObject{.name = "image object", .fields = kImageFields};
constinit const Object RecipeObject::kObject{.name = "recipe object", .fields = kRecipeFields};
constinit const Object ImageList::kObject{.name = "image list", .fields = kListFields};

}  // namespace banger::api
