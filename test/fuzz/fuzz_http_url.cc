// Fuzzes URLs and redirects, the header of login challenges, ranges and pauses: the texts that a server controls.
#include <cstdlib>
#include <string>

#include "http/challenge.h"
#include "http/content_range.h"
#include "http/proxy.h"
#include "http/retry.h"
#include "http/url.h"

namespace {

using namespace banger::http;

void must(bool holds) {
  if (!holds) std::abort();
}

void check_url(const banger::Result<Url>& url) {
  if (!url) return must(!url.error().message.empty());
  must((url->scheme == "http" || url->scheme == "https") && url->port != 0 && !url->host.empty());
  must(url->target.starts_with('/'));
  for (char c : to_string(*url)) must(c > ' ' && c < 0x7f);
  auto again = parse_url(to_string(*url));
  must(!again || *again == *url);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  check_url(parse_url(text));
  check_url(resolve({.scheme = "https", .host = "h", .port = 5000, .target = "/a/b?c"}, text));
  if (auto challenges = parse_challenges(text))
    for (const auto& challenge : *challenges) must(!challenge.scheme.empty());
  if (auto range = parse_content_range(text)) must(range->first <= range->last);
  (void)parse_retry_after(text, {});
  (void)proxy_for({.https = text, .http = "", .no_proxy = text}, {.host = "10.0.0.1"});
  return 0;
}
