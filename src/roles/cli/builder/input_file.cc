#include "roles/cli/builder/input_file.h"

#include <unistd.h>

#include <filesystem>

#include "roles/cli/arguments.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/builder/limited_copy.h"
#include "roles/cli/builder/root_tree.h"

namespace banger::roles::cli {

namespace {

Result<Spool> spool_input(const Io& io, const Signals& signals) {
  if (::isatty(STDIN_FILENO) == 1)
    return fail(ErrorCode::invalid, "standard input is a terminal", "send the file through a pipe, or name a file");
  auto spool = TRY(Spool::make(io));
  auto copy = [&](const image::StopFlag& stop) {
    return in("standard input", copy_limited(STDIN_FILENO, spool.fd(), spool.directory(), UINT64_MAX, &stop));
  };
  TRY(run_interruptible(signals, [] {}, copy));
  return spool;
}

}  // namespace

Result<InputFile> InputFile::file(const Io& io, const std::string& name) {
  if (name != "-") return InputFile(absolute_path(name));
  auto signals = TRY(Signals::interrupts());
  auto spool = TRY(spool_input(io, signals));
  return InputFile(std::move(signals), std::move(spool));
}

Result<InputFile> InputFile::file_or_tree(const Io& io, const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(name, ignored)) return file(io, name);
  auto signals = TRY(Signals::interrupts());
  auto packed = TRY(pack_root_tree(io, signals, absolute_path(name)));
  return InputFile(std::move(signals), std::move(packed));
}

}  // namespace banger::roles::cli
