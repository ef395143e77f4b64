#include "ext4/layer_source.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::ext4 {

LayerSource::LayerSource(std::unique_ptr<tar::AheadSource> ahead, const Layer& layer, UnpackBudget& budget)
    : ahead_(std::move(ahead)), diff_id_(layer.diff_id), budget_(budget) {}

Result<std::unique_ptr<LayerSource>> LayerSource::start(const Layer& layer, UnpackBudget& budget) {
  auto ahead = TRY(tar::AheadSource::start(layer.fd));
  return std::unique_ptr<LayerSource>(new LayerSource(std::move(ahead), layer, budget));
}

Result<std::string_view> LayerSource::next() {
  if (ended_) return std::string_view();
  std::string_view bytes = TRY(ahead_->next());
  if (bytes.empty()) {
    ended_ = true;
    TRY(check_digest());
    return bytes;
  }
  budget_.used_bytes += bytes.size();
  if (budget_.used_bytes > budget_.limit_bytes)
    return fail(ErrorCode::exhausted,
                fmt::format("the layers unpack to more than the limit of {}", format_size(budget_.limit_bytes)));
  if (!diff_id_.empty()) digest_.add(bytes);
  return bytes;
}

Result<> LayerSource::check_digest() {
  if (diff_id_.empty()) return {};
  std::string found = "sha256:" + digest_.finish();
  if (found == diff_id_) return {};
  return fail(ErrorCode::corrupt,
              fmt::format("the layer unpacks to bytes with the digest {} instead of {}", found, printable(diff_id_)));
}

}  // namespace banger::ext4
