// The file with which ssh finds VMs: the settings of all hosts *.vm. It belongs to banger, in the state directory, and
// banger writes it again whenever it should have another text. ssh_include.h is about the user's own file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

struct SshSettings {
  std::string identity;     ///< the private key
  std::string known_hosts;  ///< banger's own
  std::string program;      ///< this executable
  /// The variables that say where banger keeps its files, for an ssh that runs without them.
  std::vector<std::pair<std::string, std::string>> variables;
};
/// `invalid` when a path has a character that cannot stand in a file of ssh, such as a quote or a line break. Pure.
Result<std::string> ssh_config_text(const SshSettings& settings);

struct SshConfig {
  std::string path, text;
};
/// The file as it should be. Makes the owner's key if there is none.
Result<SshConfig> ssh_config(const Io& io);
/// Writes the file unless it has this text.
Result<> write_ssh_config(const Io& io, const SshConfig& config);

}  // namespace banger::roles::cli
