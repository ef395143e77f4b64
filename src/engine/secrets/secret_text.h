// The value of a secret. Its bytes are in one place on the heap, and become zero when it ends.
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace banger::engine {

class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : bytes_(text.begin(), text.end()) {}
  SecretText(const SecretText&) = default;
  // A moved vector is empty: its bytes are the other one's now.
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(SecretText other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~SecretText() {
    if (!bytes_.empty()) ::explicit_bzero(bytes_.data(), bytes_.size());
  }

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

/// Makes the bytes of a text zero that has had a value in it.
inline void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace banger::engine
