// Git's ids of contents, beside the SHA-256 by which this program knows files. A pair holds for ever, so a list of them
// helps to find the files that are as a commit has them, without reading either.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "host/digest.h"

namespace banger::workspace {

/// The id that git gives to a content which arrives in pieces. An id of git is either SHA-1 or SHA-256, in the whole
/// repository.
class BlobId {
 public:
  /// `bytes`: the size of the whole content.
  BlobId(std::uint64_t bytes, bool sha256);
  void add(std::string_view bytes);
  std::string finish();

 private:
  std::variant<host::Sha1, host::Sha256> digest_;
};

class Blobs {
 public:
  Blobs() = default;
  /// Reads what text() has written. Damaged lines are left out.
  explicit Blobs(std::string_view text);

  void add(const std::string& id, const std::string& hash) { hashes_.insert_or_assign(id, hash); }
  /// The SHA-256 of the content with that id, or null.
  const std::string* find(const std::string& id) const;
  std::string text() const;
  bool empty() const { return hashes_.empty(); }
  void merge(const Blobs& other) { hashes_.insert(other.hashes_.begin(), other.hashes_.end()); }

 private:
  std::map<std::string, std::string> hashes_;
};

}  // namespace banger::workspace
