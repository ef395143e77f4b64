// The base images of a build, from this host's store to the guest's. The owner's logins stay here, because only layers
// are sent.
#pragma once

#include <set>
#include <string>
#include <vector>

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

/// The name of an image in the guest, under which buildah finds it by the Containerfile's name. A name with a digest
/// gets another one, because the digest may be that of an index, which the guest does not have.
std::string guest_name_of(const std::string& name, const std::string& id);

/// Writes the image into a directory of the archive, in the form of buildah's `dir:`.
Result<> write_base(tar::TarWriter& writer, const std::string& directory, BaseLayers& base);
Result<> write_text(tar::TarWriter& writer, const std::string& path, std::string_view text);

}  // namespace banger::roles::cli
