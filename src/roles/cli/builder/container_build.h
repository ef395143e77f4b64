// banger image build CONTEXT: from a Containerfile to an image.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/objects/image.h"
#include "image/containerfile/base_images.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

struct ContainerBuild {
  std::string context;              ///< a directory, or "-"
  std::optional<std::string> file;  ///< the Containerfile
  image::BuildArguments arguments = {};
  std::string target = {};  ///< empty: the last stage
  std::string name;         ///< of the image
  std::optional<std::string> kernel = {};
  bool no_cache = false, pull = false, quiet = false;
};

/// Builds in a VM, and shows the output on standard error. `cancelled` on Ctrl-C; the VM then stops.
Result<api::ImageObject> build_container(Io& io, const ContainerBuild& wanted);

}  // namespace banger::roles::cli
