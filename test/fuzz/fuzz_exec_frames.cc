// Fuzzes exec frames from any bytes, cut anywhere: decoding must not depend on the cuts, and accepted frames must
// encode to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "link/bounds.h"
#include "link/exec_spec.h"

using namespace banger;
using namespace banger::link;

namespace {

/// All frames before the first error, encoded again.
std::string decode(std::string_view bytes, std::size_t step) {
  FrameDecoder decoder;
  std::string again;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    decoder.feed(bytes.substr(at, step));
    for (;;) {
      auto frame = decoder.next();
      if (!frame) return again + "!";
      if (!*frame) break;
      encode_frame((*frame)->type, (*frame)->payload, again);
    }
  }
  return again;
}

void payloads(std::string_view text) {
  for (auto type : {FrameType::exit, FrameType::failed}) {
    auto end = decode_exit(type, text);
    if (end && (end->code < 0 || end->code > 255 || end->signal < 0 || end->signal > 64)) std::abort();
    if (end && type == FrameType::failed && !decode_exit(type, encode_exit(*end))) std::abort();
  }
  auto json = parse_json(text, limits::kLinkFrameBytes);
  if (!json) return;
  auto spec = exec_spec_from_json(*json);
  if (!spec) return;
  std::string frames;
  (void)encode_spec(*spec, frames);
  FrameDecoder decoder;
  decoder.feed(frames);
  SpecReader reader;
  for (std::optional<Json> back; !back;) {
    auto frame = decoder.next();
    if (!frame || !*frame) std::abort();
    auto taken = reader.take(**frame);
    if (!taken) std::abort();
    back = std::move(*taken);
    if (back && to_json(exec_spec_from_json(*back).value()) != to_json(*spec)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto whole = decode(bytes, size + 1);
  if (decode(bytes, 1) != whole || decode(bytes, 7) != whole) std::abort();
  if (!whole.ends_with('!') && bytes.substr(0, whole.size()) != whole) std::abort();
  payloads(bytes);
  return 0;
}
