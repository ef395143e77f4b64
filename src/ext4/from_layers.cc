#include "ext4/from_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "base/text.h"
#include "ext4/entry.h"
#include "ext4/layer_source.h"
#include "tar/whiteout.h"

namespace banger::ext4 {

namespace {

/// Attributes that mean something only on the host that made the layer.
void drop_host_xattrs(tar::TarEntry& entry) {
  std::erase_if(entry.xattrs, [](const auto& xattr) {
    return xattr.first == "security.selinux" || xattr.first == "system.nfs4_acl" ||
           xattr.first.starts_with("trusted.overlay.");
  });
}

Result<> remove(Tree& tree, const tar::Whiteout& whiteout) {
  switch (whiteout.kind) {
    case tar::Whiteout::Kind::name:
      return tree.remove_lower(whiteout.directory, whiteout.name);
    case tar::Whiteout::Kind::opaque:
      return tree.remove_lower_names(whiteout.directory);
    case tar::Whiteout::Kind::metadata:
      return {};
  }
  return {};
}

Result<> apply(tar::ByteSource& source, tar::End end, Build& build, const Progress& progress) {
  build.tree().begin_layer();
  auto reader = TRY(tar::TarReader::open(source, end));
  while (auto entry = TRY(reader.next())) {
    TRY(build.check_stop());
    if (auto whiteout = TRY(tar::whiteout_of(entry->path))) {
      TRY(remove(build.tree(), *whiteout));
      continue;
    }
    drop_host_xattrs(*entry);
    TRY(add_entry(reader, build, *entry, progress));
  }
  return build.punch_freed();
}

/// Applies the layers in order, while the next ones are decompressed already.
Result<> apply_all(std::span<const Layer> layers, Build& build, const LayersOptions& options,
                   const Progress& progress) {
  UnpackBudget budget{.limit_bytes = options.max_unpacked_bytes};
  std::deque<std::unique_ptr<LayerSource>> started;
  for (std::size_t applied = 0, next = 0; applied < layers.size(); ++applied) {
    for (; next < layers.size() && started.size() < limits::kLayersAtOnce; ++next)
      started.push_back(TRY(LayerSource::start(layers[next], budget)));
    // "umoci insert" writes no end marker. With the diff_id, the layer is known to be complete.
    auto end = layers[applied].diff_id.empty() ? tar::End::marked : tar::End::any;
    TRY(in(fmt::format("layer {}", printable(layers[applied].digest)), apply(*started.front(), end, build, progress)));
    started.pop_front();
  }
  return {};
}

}  // namespace

Result<Ext4Stats> write_ext4_from_layers(std::span<const Layer> layers, const std::string& path,
                                         const LayersOptions& options, const Progress& progress) {
  std::string what = fmt::format("make file system {}", path);
  auto build = TRY(in(what, Build::create(path, options.ext4, Symlinks::follow)));
  TRY(apply_all(layers, *build, options, progress));
  auto stats = TRY(in(what, build->finish()));
  if (progress) progress(stats.content_bytes);
  return stats;
}

}  // namespace banger::ext4
