// The base images of a build, from this host's store to the guest's. The owner's logins stay here, because only layers
// are sent.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "image/containerfile/base_images.h"
#include "image/oci/manifest.h"
#include "image/oci/pusher.h"
#include "image/store.h"
#include "roles/cli/connect.h"
#include "tar/writer.h"

namespace banger::roles::cli {

struct BaseBlob {
  std::string name;  ///< in the guest's directory
  UniqueFd file;
  std::uint64_t size_bytes = 0;
};

/// One base image.
struct BaseLayers {
  std::string name;        ///< in the Containerfile
  std::string guest_name;  ///< in the guest's storage, and in the Containerfile that is sent
  std::string id;          ///< the hex digest of its config: its id in the guest
  std::string manifest, config;
  std::vector<BaseBlob> layers;
  std::vector<std::string> diff_ids;  ///< hex; of layers that this host has for other images too
};

/// The image that FROM names: one that is here, or else one that is pulled. With `pull`, a reference is always asked
/// for at its registry.
Result<BaseLayers> find_base(Io& io, Daemon& daemon, const std::string& name, bool pull);

/// The name of an image in the guest, for its content alone. All builds share the guest's names, so another build could
/// give the Containerfile's name to a newer image meanwhile.
std::string guest_name_of(const std::string& id);

/// The Containerfile as the guest reads it. `places` are all of its places that name one of the bases.
std::string with_guest_names(std::string_view containerfile, const std::vector<image::BaseImage>& places,
                             const std::vector<BaseLayers>& bases);

/// Writes the image into a directory of the archive, in the form of buildah's `dir:`.
Result<> write_base(tar::TarWriter& writer, const std::string& directory, BaseLayers& base);
Result<> write_text(tar::TarWriter& writer, const std::string& path, std::string_view text);

}  // namespace banger::roles::cli
