// Writes bundles where the user wants them. The command reads the store itself, because standard output is not the
// daemon's.
#pragma once

#include <memory>

#include "base/result.h"
#include "host/runtime.h"
#include "image/catalog/bundle.h"
#include "image/kernel/store.h"
#include "image/store.h"
#include "roles/cli/command.h"
#include "roles/cli/io.h"

namespace banger::roles::cli {

inline constexpr Option kOutputOption{
    .name = "output",
    .letter = 'o',
    .kind = Kind::text,
    .value = "FILE",
    .help = "the new file, a directory for it, or - for standard output (default: this directory)",
    .names = Names::file};

/// Writes the bundle as --output asks, and prints the file's name. `exists` when the file is there. A command that is
/// interrupted leaves no file, if the file system supports O_TMPFILE.
Result<int> export_bundle(Context& context, const image::catalog::BundleContent& content);

/// Opens the stores of this user.
struct Stores {
  static Result<Stores> open(const Io& io);
  std::unique_ptr<host::Runtime> runtime;
  std::unique_ptr<image::ImageStore> images;
  std::unique_ptr<image::KernelStore> kernels;
};

}  // namespace banger::roles::cli
