// Fuzzes references to images: any bytes are refused with a sentence, or name one image whose full name means the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "image/oci/reference.h"

using namespace banger::image::oci;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto reference = parse_reference(text);
  if (!reference) {
    if (reference.error().message.empty()) std::abort();
    return 0;
  }
  auto again = parse_reference(reference->canonical(), "other.test");
  if (!again || *again != *reference) std::abort();
  return 0;
}
