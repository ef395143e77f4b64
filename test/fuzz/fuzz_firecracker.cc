// Fuzzes answers of a Firecracker process: the same bytes are parsed in two different cuts, and errors in them are
// converted.
#include <cstdlib>
#include <string_view>

#include "machine/firecracker/api_message.h"

namespace {

// "" when the bytes hold no whole answer.
std::string answer_in(std::string_view bytes, std::size_t step) {
  banger::machine::firecracker::ReplyParser parser;
  for (std::size_t at = 0; at <= bytes.size(); at += step) {
    parser.add(bytes.substr(at, step));
    if (at + step > bytes.size()) parser.end();
    auto reply = parser.next();
    if (!reply && reply.error().message.empty()) std::abort();
    if (!reply) return "";
    if (*reply) return std::to_string((**reply).status) + (**reply).body;
  }
  return "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // The cuts between reads must not change the result.
  if (answer_in(bytes, 4096) != answer_in(bytes, 7)) std::abort();
  auto error = banger::machine::firecracker::error_of({400, std::string(bytes)});
  if (error.message.empty()) std::abort();
  std::string_view message = error.message, cut = "…";
  if (message.ends_with(cut)) message.remove_suffix(cut.size());
  for (char c : message)
    if (c < ' ' || c > '~') std::abort();
  return 0;
}
