// Placeholders in hostile request heads: what comes out is bounded, and means the same as before.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "egress/bounds.h"
#include "egress/http_head.h"
#include "egress/secrets.h"

using namespace banger;
using namespace banger::egress;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

Secrets make_secrets() {
  auto secret = [](const char* name, const Json& value, const char* host) {
    return Json{{"name", name}, {"placeholder", name}, {"value", value}, {"hosts", {host}}};
  };
  Json list = {secret("S", "value: of S", "a.org"), secret("SS", std::string(limits::kSecretBytes, 's'), "*.org"),
               secret("SSS", "other", "b.org"), secret("N", nullptr, "a.org")};
  return std::move(*Secrets::from_json(&list));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Secrets secrets = make_secrets();
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  HttpHeadParser before;
  if (before.feed(bytes) != HeadState::found) return 0;
  auto made = secrets.swap_head(bytes.substr(0, before.bytes()), "a.org", 443);
  must(made.text.size() <= limits::kSwappedHeadBytes);
  if (made.outcome == Swapped::missing) must(made.text == "N");
  if (made.outcome == Swapped::same) must(made.text == bytes.substr(0, before.bytes()));
  if (made.outcome != Swapped::swapped) return 0;
  HttpHeadParser after;
  auto state = after.feed(made.text);
  if (state == HeadState::refused) {
    must(after.fault() == HeadFault::too_large);
    return 0;
  }
  must(state == HeadState::found && after.bytes() == made.text.size());
  const auto &one = before.head(), &other = after.head();
  must(one.method == other.method && one.target == other.target && one.host == other.host);
  must(one.framing == other.framing && one.content_length == other.content_length && one.upgrades == other.upgrades);
  must(one.fields.size() == other.fields.size());
  return 0;
}
