#include "api/objects/file_sync.h"

#include "api/wire.h"

namespace banger::api {

namespace {

constexpr Field kSyncedFileFields[] = {
    field<&SyncedFileObject::path>("path", "Relative to /root of the guest, made printable"),
    field<&SyncedFileObject::directory>("directory", "Whether it is a directory"),
    field<&SyncedFileObject::mode>("mode", "The permission bits that a new file or directory gets"),
    field<&SyncedFileObject::bytes>("bytes", "The size of a file"),
};

constexpr Field kSyncFields[] = {
    field<&SyncResult::id>("id", "The id of the VM"),
    field<&SyncResult::name>("name", "The name of the VM"),
    field<&SyncResult::files>("files", "How many files the guest got, or would get"),
    field<&SyncResult::bytes>("bytes", "Their sizes together"),
    field<&SyncResult::warnings>("warnings", "Sentences for people about what was skipped"),
    field<&SyncResult::plan>("plan", "Only with `dry_run`: the files and directories").or_absent(),
    field<&SyncResult::plan_more>("plan_more", "How many more there are than `plan` has room for").or_absent(),
};

}  // namespace

constinit const Object SyncedFileObject::kObject{.name = "synced file object", .fields = kSyncedFileFields};
constinit const Object SyncResult::kObject{.name = "sync result", .fields = kSyncFields};

}  // namespace banger::api
