#include "ext4/ext4.h"

#include <fmt/format.h>

#include "ext4/build.h"

namespace banger::ext4 {

Result<> make_empty_ext4(const std::string& path, const Ext4Options& options) {
  if (options.size_bytes == 0)
    return fail(ErrorCode::invalid, fmt::format("{}: an empty file system needs a size", path));
  auto made = [&]() -> Result<> {
    auto build = TRY(ext4::Build::create(path, options));
    ext4::NodeId lost_and_found =
        TRY(build->tree().add_child(ext4::kRoot, "lost+found", ext4::make_directory(0700, {options.timestamp, 0})));
    TRY(build->finish(lost_and_found));
    return {};
  };
  return in(fmt::format("make file system {}", path), made());
}

}  // namespace banger::ext4
