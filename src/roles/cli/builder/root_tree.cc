#include "roles/cli/builder/root_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <thread>

#include "roles/cli/builder/interruptible.h"
#include "roles/cli/builder/limited_copy.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

Result<> pack(const std::string& directory, int to) {
  tar::PackOptions options{.special = tar::Special::image};
  options.owners = ::geteuid() == 0 ? tar::Owners::keep : tar::Owners::root;
  return tar::pack_tree(directory + "/.", ".", to, options);
}

/// From the packer over a copy without its marks to the file. A part that fails ends those before it with EPIPE.
Result<> pack_into(const Spool& spool, const std::string& directory, const image::StopFlag& stop) {
  auto marked = TRY(BytePipe::make()), plain = TRY(BytePipe::make());
  Result<> packed, copied;
  std::optional<Error> unreadable;
  std::jthread packing([&, end = std::move(marked.writer)]() mutable {
    packed = pack(directory, end.get());
    end.reset();
  });
  std::jthread copying([&, from = std::move(marked.reader), end = std::move(plain.writer)]() mutable {
    copied = tar::copy_tar(from.get(), end.get(), [&](std::string_view path, std::string_view why) {
      if (!unreadable) unreadable = Error{ErrorCode::denied, safe_text(fmt::format("{}: {}", path, why))};
    });
    from.reset();
    end.reset();
  });
  auto saved = copy_limited(plain.reader.get(), spool.fd(), spool.directory(), UINT64_MAX, &stop);
  plain.reader.reset();
  copying.join();
  packing.join();
  TRY(in(spool.directory(), std::move(saved)));
  // A packer that lost its reader is no cause, and neither is the cut stream of a packer that failed.
  if (!packed && packed.error().sys_errno != EPIPE) return in(directory, std::move(packed));
  TRY(in(directory, std::move(copied)));
  TRY(in(directory, std::move(packed)));
  if (!unreadable) return {};
  return std::unexpected(
      std::move(*unreadable).in(directory).with_hint("an image needs all files: make it readable, or remove it"));
}

}  // namespace

Result<Spool> pack_root_tree(const Io& io, const Signals& signals, const std::string& directory) {
  auto spool = TRY(Spool::make(io));
  TRY(run_interruptible(
      signals, [] {}, [&](const image::StopFlag& stop) { return pack_into(spool, directory, stop); }));
  return spool;
}

}  // namespace banger::roles::cli
