// manifest.json of a bundle: one image or one kernel in one file, and the digests of its parts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/words.h"
#include "image/run_config.h"

namespace banger::image::catalog {

enum class BundleKind { image, kernel };

inline constexpr Word<BundleKind> kBundleKindWords[] = {{BundleKind::image, "image"}, {BundleKind::kernel, "kernel"}};

/// One file of a bundle.
struct BundleMember {
  std::string name;              ///< "rootfs.ext4", "vmlinux", "modules/virtio.ko", "modules.ext4" or "initrd"
  std::uint64_t size_bytes = 0;  ///< of the content, with its holes
  std::string sha256;            ///< of the content, 64 lower-case hexadecimal digits
  bool operator==(const BundleMember&) const = default;
};

struct BundleManifest {
  BundleKind kind = BundleKind::image;
  std::string name;                        ///< of the image or the kernel where the bundle was made
  std::string source;                      ///< where the content came from: "recipe:debian-bookworm"
  std::string kernel = {};                 ///< of an image: the name of the kernel that its VMs boot
  RunConfig run_config = {};               ///< of an image
  std::string release = {};                ///< of a kernel: "6.1.0-56-cloud-amd64", or empty
  std::vector<BundleMember> members = {};  ///< in the order of the archive; modules are in their load order
  bool operator==(const BundleManifest&) const = default;
};

/// Untrusted text. `invalid` for unknown fields, a version other than 1, members that the kind does not have, members
/// that occur twice, and sizes over limits::kBundleMemberBytes.
/// `exhausted` for more than limits::kBundleMembers or limits::kBundleBytes.
Result<BundleManifest> parse_bundle_manifest(std::string_view text);
/// The same manifest always gives the same text.
std::string to_text(const BundleManifest& manifest);

/// The id of a bundle: the SHA-256 of its manifest, which has the digests of all parts.
std::string bundle_id(std::string_view manifest_text);
/// "NAME-ID.tar.zst", with the first 12 digits of the id. A name that is a reference gets '-' for other characters.
std::string bundle_file_name(const BundleManifest& manifest);

}  // namespace banger::image::catalog
