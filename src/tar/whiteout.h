// The names by which a layer of a container image removes files of lower layers. Pure; touches no files.
// Source: "Whiteouts" in layer.md of the OCI image specification.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::tar {

struct Whiteout {
  enum class Kind {
    name,      ///< removes `name` from `directory`
    opaque,    ///< removes all names of `directory`
    metadata,  ///< a leftover of AUFS, which stands for nothing
  };
  Kind kind = Kind::name;
  std::string_view directory;  ///< as the archive has it; empty: the root
  std::string_view name;       ///< of Kind::name, without a slash
};

/// The whiteout that an archive member's path means (views into `path`), or nullopt for an ordinary member. `invalid`,
/// naming the member, when the path is one that split_member refuses, or when the whiteout removes no possible name.
Result<std::optional<Whiteout>> whiteout_of(std::string_view path);

/// The name of the member that removes `name`.
std::string whiteout_for(std::string_view name);

}  // namespace banger::tar
