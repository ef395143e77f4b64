// The agent's initramfs: this program as /init, with the kernel's early modules. There is one archive per kernel and
// build, in the cache. The guest config of a VM is a second archive behind this one.
#pragma once

#include <string>

#include "host/paths.h"
#include "host/runtime.h"
#include "image/kernel/store.h"

namespace banger::engine {

class Initramfs {
 public:
  /// `executable`: the program that guests run as /init; empty: this program.
  Initramfs(host::Runtime& runtime, const host::Paths& paths, std::string executable = "");

  /// Path of the archive for this kernel. Makes a missing archive.
  Task<Result<std::string>> agent_archive(const image::Kernel& kernel);

 private:
  host::Runtime& runtime_;
  std::string directory_, executable_;
  std::string build_;  ///< hash of this executable, once known
  host::Mutex making_;
};

}  // namespace banger::engine
