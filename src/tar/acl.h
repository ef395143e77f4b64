// POSIX ACLs of an archive member in the form Linux's xattrs have them.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

struct archive_entry;

namespace banger::tar {

enum class AclType { access, on_default };

/// The member's ACL as the value of system.posix_acl_access or _default (linux/posix_acl_xattr.h), or nullopt when it
/// has no ACL beyond its mode. `unsupported` when it names a user or group without a number, because such a name is
/// valid only on its own machine.
Result<std::optional<std::string>> acl_xattr(archive_entry* entry, AclType type);

/// The permission bits of the mask entry in a value of acl_xattr. They are the group bits of the file's mode. nullopt
/// without a mask.
std::optional<unsigned> acl_mask(const std::string& value);

}  // namespace banger::tar
