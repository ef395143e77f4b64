// Unmounting everything at a guest's end, which empties the journals of its disks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace banger::roles::agent::init {

/// The mount points at and below `directory`, the newest mount first. `mountinfo` is the text of proc(5). Pure.
std::vector<std::string> mounts_below(std::string_view mountinfo, std::string_view directory);

/// Unmounts everything at and below `directory`. What stays mounted becomes read-only if possible, and is printed. True
/// when nothing is left.
bool unmount_tree(const std::string& directory);

/// Unmounts the disks below the root of this process. A disk that cannot be unmounted becomes read-only, or is at least
/// synced. For process 1, when all other processes have ended.
void unmount_disks();

}  // namespace banger::roles::agent::init
