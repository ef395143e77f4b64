// The agent's initramfs: this very executable as /init and the kernel's early modules. Made once per kernel and build,
// kept in the cache; the per-VM guest config is a second archive behind it.
#pragma once

#include <string>

#include "host/paths.h"
#include "host/runtime.h"
#include "image/kernel/store.h"

namespace banger::engine {

class Initramfs {
 public:
  /// `executable`: what runs in guests as /init; empty: this very program.
  Initramfs(host::Runtime& runtime, const host::Paths& paths, std::string executable = "");

  /// Path of the archive for this kernel, making it if it is not there.
  Task<Result<std::string>> agent_archive(const image::Kernel& kernel);

 private:
  host::Runtime& runtime_;
  std::string directory_, executable_;
  std::string build_;  ///< hash of this executable, once known
  host::Mutex making_;
};

}  // namespace banger::engine
