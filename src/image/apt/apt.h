// Packages from the host's apt, as any user. apt finds, downloads and verifies them. Nothing is ever installed.
#pragma once

#include <string>

#include "base/task.h"
#include "host/runtime.h"
#include "image/apt/tool.h"

namespace banger::image {

/// One version of a package that apt can download.
struct AptPackage {
  std::string name, version;
  std::uint64_t size_bytes = 0;  ///< of the .deb; 0 when unknown
};

/// Percent 0..100 or -1 when unknown.
using DownloadProgress = std::function<void(std::string_view detail, int percent)>;

/// The name of the first package in a `Depends:` field that starts with `prefix`, with its "(= version)" if it has one.
std::optional<AptPackage> find_dependency(std::string_view depends, std::string_view prefix);

class Apt {
 public:
  /// `private_directory`: for package lists, if the host's own lists are unusable.
  Apt(host::Runtime& runtime, std::string path_variable, std::string private_directory, host::Cancel& cancel)
      : runtime_(runtime),
        path_variable_(std::move(path_variable)),
        private_directory_(std::move(private_directory)),
        cancel_(cancel) {}

  /// `unsupported` on hosts without apt.
  Result<> check() const;
  /// Fetches private package lists as this user and uses only these from now on. Takes a minute; needs no root.
  Task<Result<>> use_private_lists();
  /// The candidate version of the package that `package` depends on and whose name starts with `prefix`. `not_found`
  /// when apt knows no such package.
  Task<Result<AptPackage>> dependency_of(std::string package, std::string prefix);
  /// Downloads into the existing private `directory`. apt checks the hash against its signed lists. Returns the full
  /// path of the .deb.
  Task<Result<std::string>> download(AptPackage package, std::string directory, DownloadProgress progress);

 private:
  Task<Result<host::Output>> run(std::string program, std::vector<std::string> arguments, host::Deadline deadline,
                                 std::string cwd = {}, ToolTick tick = {});
  host::Runtime& runtime_;
  std::string path_variable_, private_directory_;
  host::Cancel& cancel_;
  bool private_lists_ = false;
};

}  // namespace banger::image
