#include "roles/cli/detach_keys.h"

#include <fmt/format.h>

#include "base/text.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kControl = "ctrl-";
constexpr char kControlBits = 0x1f;

Result<char> parse_key(std::string_view key) {
  if (key.size() == 1) return key[0];
  char letter = key.starts_with(kControl) && key.size() == kControl.size() + 1 ? key.back() : 0;
  if ((letter >= 'a' && letter <= 'z') || (letter >= '@' && letter <= '_'))
    return static_cast<char>(letter & kControlBits);
  return fail(ErrorCode::invalid, fmt::format("'{}' is no key", printable(key, 80)),
              "write keys like ctrl-p,ctrl-q or ctrl-],d");
}

}  // namespace

Result<std::string> parse_detach_keys(std::string_view text) {
  std::string keys;
  for (auto key : split(text, ',')) keys += TRY(parse_key(key));
  if (keys.size() > limits::kDetachKeys)
    return fail(ErrorCode::invalid, fmt::format("{} keys are too many", keys.size()),
                fmt::format("give {} at most", limits::kDetachKeys));
  return keys;
}

bool DetachKeys::feed(std::string_view input, std::string& out) {
  for (char byte : input) {
    held_ += byte;
    while (!held_.empty() && !keys_.starts_with(held_)) {
      out += held_.front();
      held_.erase(0, 1);
    }
    if (!keys_.empty() && held_ == keys_) return true;
  }
  return false;
}

}  // namespace banger::roles::cli
