#include "api/objects/image.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kInits[] = {"systemd", "openrc", "runit", "busybox", "none", "other"};

constexpr Field kRunConfigFields[] = {
    field<&RunConfigObject::env>("env", "Variables, as `NAME=VALUE`"),
    field<&RunConfigObject::entrypoint>("entrypoint", "The first words of the image's main command"),
    field<&RunConfigObject::cmd>("cmd", "The last words of the main command, which a user may replace"),
    field<&RunConfigObject::working_dir>("working_dir", "The directory of commands. Empty: the user's home"),
    field<&RunConfigObject::user>("user", "The user of commands, as `USER[:GROUP]`. Empty: root"),
    field<&RunConfigObject::stop_signal>("stop_signal", "The signal that ends the main command. Empty: SIGTERM"),
};

constexpr Field kLayerFields[] = {
    field<&LayerObject::digest>("digest", "The digest of the layer, as the registry has it"),
    field<&LayerObject::size_bytes>("size_bytes", "The size of the layer, as the registry has it"),
};

constexpr Field kImageFields[] = {
    field<&ImageObject::id>("id", "The id"),
    field<&ImageObject::name>("name", "The name. Empty after another image has taken the name"),
    field<&ImageObject::other_names>("other_names", "Its other names"),
    field<&ImageObject::source>(
        "source", "`recipe:NAME`, `import`, `file`, `bundle:ID`, `catalog:SHA256`, `vm:NAME` or `registry:REFERENCE`"),
    field<&ImageObject::kernel>("kernel", "The name of the kernel that the image asks for"),
    field<&ImageObject::sha256>(
        "sha256", "The digest of the root file system; empty for an image in layers, which has a `digest`"),
    field<&ImageObject::size_bytes>("size_bytes", "What the image occupies on the host"),
    field<&ImageObject::rootfs_bytes>("rootfs_bytes", "The length of the root file system"),
    field<&ImageObject::created_at>("created_at", "When the image was made"),
    field<&ImageObject::init>("init", "The init system").one_of(kInits),
    field<&ImageObject::rootfs>("rootfs", "The path of the root file system"),
    field<&ImageObject::host_file>("host_file",
                                   "The file of the host that a registered image uses. Empty: the image "
                                   "has a copy of its own"),
    field<&ImageObject::host_file_fault>("host_file_fault", "Why this file cannot be used. Empty: it can"),
    field<&ImageObject::work_seed>("work_seed", "The path of the work seed"),
    field<&ImageObject::used_by>("used_by", "The names of the VMs that were made from the image"),
    field<&ImageObject::digest>("digest", "The digest in the registry that it was pulled from. Empty: not pulled"),
    field<&ImageObject::layers>("layers", "The layers that it was made from. Only if it was pulled, and not in lists")
        .or_absent(),
    field<&ImageObject::config>("config", "How its programs want to run. Only if the image says so, and not in lists")
        .or_absent(),
};

constexpr Field kPullFields[] = {
    field<&PullObject::name>("name", "The full reference, which is a name of the image"),
    field<&PullObject::image>("image", "The image"),
    field<&PullObject::already>("already", "Whether the image was here, so that at most its names changed"),
};

constexpr Field kGuestImageFields[] = {
    field<&GuestImageObject::image>("image", "The image"),
    field<&GuestImageObject::left_out>("left_out",
                                       "The files that the image lacks, or that changed while they were "
                                       "read"),
    field<&GuestImageObject::left_out_more>("left_out_more", "How many more files there are that the list lacks"),
};

constexpr Field kPushFields[] = {
    field<&PushObject::name>("name", "The full reference"),
    field<&PushObject::digest>("digest", "The digest of the image's manifest in the registry"),
    field<&PushObject::sent_bytes>("sent_bytes", "The size of what the registry did not have"),
    field<&PushObject::layers>("layers", "How many layers the image has in the registry"),
    field<&PushObject::note>("note", "Why the layers of its base are not among them; empty if they are"),
};

constexpr Field kPruneFields[] = {
    field<&PruneObject::removed>("removed", "How many files were removed"),
    field<&PruneObject::size_bytes>("size_bytes", "What these files occupied on the host"),
};

constexpr Field kInspectFields[] = {
    field<&InspectObject::config>("config", "The text of the OCI image configuration, as the registry has it"),
};

constexpr Field kRecipeFields[] = {
    field<&RecipeObject::name>("name", "The name"),
    field<&RecipeObject::description>("description", "What the image contains"),
};

constexpr Field kListFields[] = {
    field<&ImageList::images>("images", "All images"),
    field<&ImageList::recipes>("recipes", "The recipes that `image.build` knows"),
    field<&ImageList::available>("available",
                                 "The images of the catalog. Empty for a catalog behind a URL that no call has read"),
};

}  // namespace

constinit const Object RunConfigObject::kObject{.name = "run config object", .fields = kRunConfigFields};
constinit const Object LayerObject::kObject{.name = "layer object", .fields = kLayerFields};
constinit const Object PullObject::kObject{.name = "pull object", .fields = kPullFields};
constinit const Object GuestImageObject::kObject{.name = "guest image object", .fields = kGuestImageFields};
constinit const Object PushObject::kObject{.name = "push object", .fields = kPushFields};
constinit const Object PruneObject::kObject{.name = "prune object", .fields = kPruneFields};
constinit const Object InspectObject::kObject{.name = "inspect object", .fields = kInspectFields};
constinit const Object ImageObject::kObject{.name = "image object", .fields = kImageFields};
constinit const Object RecipeObject::kObject{.name = "recipe object", .fields = kRecipeFields};
constinit const Object ImageList::kObject{.name = "image list", .fields = kListFields};

}  // namespace banger::api
