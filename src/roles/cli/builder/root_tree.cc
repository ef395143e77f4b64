#include "roles/cli/builder/root_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "roles/cli/builder/limited_copy.h"
#include "tar/tar.h"

namespace banger::roles::cli {

Result<Spool> pack_root_tree(const Io& io, const std::string& directory) {
  auto spool = TRY(Spool::make(io));
  auto pipe = TRY(BytePipe::make());
  tar::PackOptions options{.special = tar::Special::image};
  options.owners = ::geteuid() == 0 ? tar::Owners::keep : tar::Owners::root;
  Result<> packed;
  std::jthread packing([&, end = std::move(pipe.writer)]() mutable {
    packed = tar::pack_tree(directory + "/.", ".", end.get(), options);
    end.reset();
  });
  std::optional<Error> unreadable;
  auto copied = tar::copy_tar(pipe.reader.get(), spool.fd(), [&](std::string_view path, std::string_view why) {
    if (!unreadable) unreadable = Error{ErrorCode::denied, safe_text(fmt::format("{}: {}", path, why))};
  });
  pipe.reader.reset();
  packing.join();
  TRY(in(directory, std::move(packed)));
  TRY(in(directory, std::move(copied)));
  if (unreadable)
    return std::unexpected(
        std::move(*unreadable).in(directory).with_hint("an image needs all files: make it readable, or remove it"));
  return spool;
}

}  // namespace banger::roles::cli
