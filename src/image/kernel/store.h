// Kernels: unpacks a distribution's kernel into the form that a VMM boots, and stores kernels by name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::image {

/// ELF vmlinux from a bzImage (Documentation/x86/boot.rst: setup_sects, payload_offset, payload_length) with an LZ4
/// (legacy frame), zstd, xz or gzip payload, or the ELF itself unchanged. Pure. Untrusted input, output at most
/// limits::kKernelImageBytes.
Result<std::string> unpack_vmlinux(std::string_view image);

/// "6.1.0-56-cloud-amd64", from the banner inside an unpacked kernel; empty when there is none.
std::string release_of_vmlinux(std::string_view vmlinux);

/// One kernel in the store: a directory `<kernels>/<name>` with `vmlinux`, `modules/` (the .ko files needed early) and
/// `manifest.json`. It may also have `modules.ext4` (all modules, for guests to mount) and `initrd`. The manifest gives
/// the load order of the modules, and the store reads it back. The directory appears by rename when complete.
struct Kernel {
  std::string name;
  std::string source;                ///< "apt:linux-image-6.1.0-56-cloud-amd64 6.1.187-1" or "import"
  std::string release;               ///< "6.1.0-56-cloud-amd64"; empty when unknown
  std::string sha256;                ///< of vmlinux
  std::uint64_t size_bytes = 0;      ///< on disk, of all files
  std::int64_t created_at = 0;       ///< unix seconds
  std::string vmlinux;               ///< full path
  std::vector<std::string> modules;  ///< full paths, in load order
  std::string initrd;                ///< full path or empty
  std::string modules_image;         ///< full path of the file system with all modules (modules_image.h), or empty

  bool operator==(const Kernel&) const = default;
};

/// `virtio, virtio_ring, virtio_mmio, …`: the modules that a guest needs before its root is mounted, in load order.
/// Their dependencies are loaded before them. Modules that a kernel has built in have no file.
std::vector<std::string> early_module_names();

/// Called with a stage ("download", "unpack") and percent 0..100 or -1 when unknown. On the control thread.
using StageProgress = std::function<void(std::string_view stage, std::string_view detail, int percent)>;
/// The stage of a report whose detail is a warning for people, and no stage.
inline constexpr std::string_view kWarningStage = "warning";

enum class NameTaken {
  refuse,   ///< `exists`
  replace,  ///< the new one takes the name
};

/// How an image or a kernel is made from a bundle.
struct BundleImport {
  std::string name = {};    ///< empty: the bundle's
  std::string source = {};  ///< for the manifest; empty: "bundle:ID"
  NameTaken taken = NameTaken::refuse;
};

class KernelStore {
 public:
  KernelStore(host::Runtime& runtime, std::string directory, std::string cache_directory, std::string path_variable);

  /// Sorted by name. Kernels with a damaged manifest are left out; get() gives their error.
  Result<std::vector<Kernel>> list() const;
  Result<Kernel> get(std::string_view name) const;  ///< `not_found` suggests the nearest; `corrupt` with a way out
  /// The catalog names that can be pulled: "debian-cloud".
  std::vector<std::string> pullable() const;
  /// Uses the host's apt, as any user. apt downloads the package that linux-image-cloud-amd64 depends on into the cache
  /// and verifies it. The package is unpacked in process. When apt's own lists are missing or out of date, private
  /// lists are fetched under the cache directory. A kernel of that name is replaced in one step. `unsupported` on hosts
  /// without apt; the hint names `kernel import`.
  Task<Result<Kernel>> pull(std::string name, StageProgress progress, host::Cancel& cancel);
  /// vmlinux: ELF or bzImage. modules: a directory tree of .ko[.xz|.zst|.gz] or empty.
  /// `exists` when the name is taken; `invalid` when a module is for another kernel.
  Task<Result<Kernel>> import(std::string name, std::string vmlinux, std::string modules, std::string initrd,
                              StageProgress progress, host::Cancel& cancel);
  /// Makes a kernel from a bundle (image/catalog/bundle.h).
  Task<Result<Kernel>> import_bundle(BundleImport how, UniqueFd bundle, StageProgress progress, host::Cancel& cancel);
  /// REQUIRES: no VM and no image uses the kernel. Removes corrupt kernels too. The kernel is out of the store before
  /// another coroutine runs.
  Task<Result<>> remove(std::string name);
  /// Incomplete directories left by a crash.
  std::vector<std::string> leftovers() const;

 private:
  host::Runtime& runtime_;
  std::string directory_, cache_directory_, path_variable_;
};

}  // namespace banger::image
