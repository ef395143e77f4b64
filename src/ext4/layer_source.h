// The decompressed bytes of one layer, counted and checked on their way to the tar reader.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ext4/from_layers.h"
#include "host/digest.h"
#include "tar/ahead.h"

namespace banger::ext4 {

/// How much all layers together may still unpack to.
struct UnpackBudget {
  std::uint64_t limit_bytes = 0, used_bytes = 0;
};

class LayerSource : public tar::ByteSource {
 public:
  /// Starts to decompress at once. `budget` is borrowed; only next() uses it.
  static Result<std::unique_ptr<LayerSource>> start(const Layer& layer, UnpackBudget& budget);

  /// `exhausted` over the budget. At the end, `corrupt` when the bytes do not have the layer's diff_id.
  Result<std::string_view> next() override;

 private:
  LayerSource(std::unique_ptr<tar::AheadSource> ahead, const Layer& layer, UnpackBudget& budget);
  Result<> check_digest();

  std::unique_ptr<tar::AheadSource> ahead_;
  std::string diff_id_;
  UnpackBudget& budget_;
  host::Sha256 digest_;
  bool ended_ = false;
};

}  // namespace banger::ext4
