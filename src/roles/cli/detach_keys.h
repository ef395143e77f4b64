// The keys that end `vm session attach` and leave the session running.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::roles::cli {

/// "ctrl-p,ctrl-q" as the bytes that a terminal sends. Each key is one character, or ctrl- with a letter or one of
/// @ [ \ ] ^ _ . `invalid` for anything else, and for more than 16 keys.
Result<std::string> parse_detach_keys(std::string_view text);

/// Finds the keys in the input. Bytes that may be the begin of the keys wait for the next bytes.
class DetachKeys {
 public:
  explicit DetachKeys(std::string keys) : keys_(std::move(keys)) {}

  /// Appends the input before the keys to `out`. True when all keys have come; the rest is dropped.
  bool feed(std::string_view input, std::string& out);

 private:
  std::string keys_, held_;
};

}  // namespace banger::roles::cli
