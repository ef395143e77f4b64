// Trees as lists of lines that can be compared: of an ext4 image, read by libext2fs, and of a directory of this host.
#pragma once

#include <map>
#include <string>

namespace banger::test {

/// Path (the root is ".") → type, mode, owner, size, time, device, target, digest of content, attributes, and the first
/// name of the same inode. Of directories neither size nor time is listed.
using Listing = std::map<std::string, std::string>;

Listing list_image(const std::string& image);
/// What cannot be read is a failed assertion, so the caller should be root.
Listing list_directory(const std::string& directory);

/// The first lines in which two listings differ; empty if none.
std::string difference(const Listing& expected, const Listing& found);

}  // namespace banger::test
