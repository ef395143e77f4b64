#include "api/objects/file.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr std::string_view kTypes[] = {"file", "directory", "symlink", "other"};

constexpr Field kFileFields[] = {
    field<&FileObject::exists>("exists", "Whether the path leads to something"),
    field<&FileObject::type>("type", "The type. Empty when nothing is there").one_of(kTypes),
    field<&FileObject::mode>("mode", "The permission bits"),
    field<&FileObject::target_type>("target_type", "For a symlink, the type of what it leads to")
        .one_of(kTypes)
        .or_absent(),
    field<&FileObject::identity>("identity", "Two paths with the same text lead to the same file of the guest")
        .or_absent(),
    field<&FileObject::target_identity>("target_identity", "For a symlink, the identity of what it leads to")
        .or_absent(),
    field<&FileObject::around>("around",
                               "For a directory: its identity, and those of the directories around it up to the root")
        .or_absent(),
};

constexpr Field kDownloadFields[] = {
    field<&DownloadObject::type>("type", "The type of `path`").one_of(kTypes),
    field<&DownloadObject::name>("name", "The name of the VM"),
};

constexpr Field kErrorFields[] = {
    field<&ErrorObject::code>("code", "One of the codes of errors"),
    field<&ErrorObject::message>("message", "What failed"),
    field<&ErrorObject::hint>("hint", "What can be done").or_absent(),
};

constexpr Field kLeftOutFields[] = {
    field<&LeftOutObject::path>("path", "The name in the tar"),
    field<&LeftOutObject::reason>("reason", "Why it was left out"),
};

constexpr Field kUploadFields[] = {
    field<&UploadResult::ok>("ok", "True when the guest has unpacked the tar").or_absent(),
    field<&UploadResult::error>("error", "Why the upload failed").or_absent(),
    field<&UploadResult::left_out>("left_out", "What was not unpacked, although the rest was").or_absent(),
    field<&UploadResult::left_out_more>("left_out_more", "How much more was left out, without its names").or_absent(),
};

}  // namespace

constinit const Object FileObject::kObject{.name = "file object", .fields = kFileFields};
constinit const Object DownloadObject::kObject{.name = "download object", .fields = kDownloadFields};
constinit const Object ErrorObject::kObject{.name = "error object", .fields = kErrorFields};
constinit const Object LeftOutObject::kObject{.name = "left-out object", .fields = kLeftOutFields};
constinit const Object UploadResult::kObject{.name = "upload result", .fields = kUploadFields};

}  // namespace banger::api
