#include "workspace/blobs.h"

#include <fmt/format.h>

#include "base/text.h"
#include "workspace/manifest.h"

namespace banger::workspace {

namespace {

constexpr std::size_t kHash = 64;  // hexadecimal digits

std::variant<host::Sha1, host::Sha256> digest_of(bool sha256) {
  if (sha256) return host::Sha256();
  return host::Sha1();
}

}  // namespace

BlobId::BlobId(std::uint64_t bytes, bool sha256) : digest_(digest_of(sha256)) {
  add(fmt::format("blob {}{}", bytes, '\0'));
}

void BlobId::add(std::string_view bytes) {
  std::visit([&](auto& digest) { digest.add(bytes); }, digest_);
}

std::string BlobId::finish() {
  return std::visit([](auto& digest) { return digest.finish(); }, digest_);
}

Blobs::Blobs(std::string_view text) {
  for (auto line : split(text, '\n')) {
    auto space = line.find(' ');
    if (space == line.npos) continue;
    auto id = line.substr(0, space), hash = line.substr(space + 1);
    if (is_object_id(id) && is_object_id(hash) && hash.size() == kHash)
      hashes_.emplace_hint(hashes_.end(), std::string(id), std::string(hash));
  }
}

const std::string* Blobs::find(const std::string& id) const {
  auto found = hashes_.find(id);
  return found == hashes_.end() ? nullptr : &found->second;
}

std::string Blobs::text() const {
  std::string text;
  for (const auto& [id, hash] : hashes_) text.append(id).append(" ").append(hash).append("\n");
  return text;
}

}  // namespace banger::workspace
