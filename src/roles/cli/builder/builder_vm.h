// The VM that images are built in. It keeps the cache of builds on its disk, and stands still between builds. All
// builds of one owner share it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "image/stoppable.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

inline constexpr std::string_view kBuilderVm = "image-builder";
inline constexpr std::string_view kBuilderImage = "debian-bookworm-build";

class BuilderVm {
 public:
  /// Makes the VM and its image if they are missing, and starts the VM. `progress` has no standard error with --quiet.
  static Result<BuilderVm> open(Io& progress, Daemon& daemon);
  BuilderVm(BuilderVm&&) noexcept = default;
  BuilderVm& operator=(BuilderVm&&) = delete;

  /// Streams of a command. -1: empty input, or output that nobody reads.
  struct Streams {
    int in = -1, out = -1, err = -1;
  };
  /// Runs a command of guest/image-builder.sh for this build, and returns its exit status. An interrupt goes to the
  /// command, and `cancelled` is returned when the command has ended.
  Result<int> run(std::string_view command, std::vector<std::string> arguments, Streams streams);
  /// Makes the input of a command. Ends soon after `stop` is set, which is when nobody reads the input any more.
  using WriteInput = std::function<Result<>(int fd, const image::StopFlag& stop)>;
  /// The same, with input that `write` makes on a thread. An error of `write` ends the command and is returned.
  Result<int> run_with_input(std::string_view command, const WriteInput& write, Streams streams,
                             std::vector<std::string> arguments);
  /// Starts the build in the guest. Returns the ids of the images that its storage has.
  Result<std::set<std::string>> begin();
  /// Removes the build's files. The last build stops the VM. Not ended by an interrupt. Returns whether a signal came
  /// meanwhile, because it is consumed.
  bool end();

 private:
  BuilderVm(Io& io, std::string id, UniqueFd lock) : io_(&io), vm_(std::move(id)), lock_(std::move(lock)) {}
  Io* io_;
  std::string vm_;  ///< its id
  std::string build_;
  UniqueFd lock_;  ///< shared while a build runs, exclusive while the VM is started or stopped
};

}  // namespace banger::roles::cli
