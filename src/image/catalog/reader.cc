#include "image/catalog/reader.h"

#include <fmt/format.h>

#include "host/files.h"
#include "http/address.h"
#include "image/catalog/bounds.h"
#include "image/catalog/signature.h"
#include "image/recipe/recipes.h"

namespace banger::image::catalog {

namespace {

struct Document {
  std::string text;
  http::Within leads = http::Within::anywhere;
};

/// Nothing: there is no such document.
using Found = std::optional<Document>;

std::unexpected<Error> missing(const Location& place) {
  return fail(ErrorCode::not_found, fmt::format("there is no catalog at {}", to_string(place)),
              "check 'catalog' in the config");
}

/// Whoever is on the way could change a catalog without TLS and without a signature.
Result<> check_way(const http::Url& url, bool is_signed) {
  if (url.scheme == "https" || is_signed || http::known_reach(url.host) == http::Reach::loopback) return {};
  return fail(ErrorCode::denied, "its server has no TLS, and the catalog has no signature",
              "use https, or sign the catalog and set catalog_key");
}

Task<Result<Found>> fetch(oci::Transport& transport, http::Url url, std::size_t max_bytes, host::Cancel& cancel) {
  http::Request request{.url = std::move(url)};
  request.plain = request.url.scheme == "http" ? http::Plain::allowed : http::Plain::refused;
  request.max_body_bytes = max_bytes;
  request.deadlines.whole = host::after(limits::kCatalogDeadline);
  request.cancel = &cancel;
  auto response = CO_TRY(co_await transport.send(std::move(request)));
  // Some stores answer 403 for what is not there.
  if (response.status == 403 || response.status == 404 || response.status == 410) co_return Found();
  if (response.status == 200) co_return Document{std::move(response.body), response.leads};
  co_return fail(ErrorCode::unavailable, fmt::format("the server answers {}", http::status_text(response.status)),
                 "try again later");
}

Task<Result<Found>> read_document(host::Runtime& runtime, oci::Transport& transport, Location place,
                                  std::size_t max_bytes, host::Cancel& cancel) {
  if (auto* url = std::get_if<http::Url>(&place))
    co_return co_await fetch(transport, std::move(*url), max_bytes, cancel);
  auto read = [&] { return host::read_regular_file(std::get<File>(place).path, max_bytes); };
  auto text = co_await runtime.blocking(read);
  if (!text && text.error().code == ErrorCode::not_found) co_return Found();
  co_return Document{.text = CO_TRY(std::move(text))};
}

}  // namespace

Task<Result<Published>> Reader::read_at(Location place, host::Cancel& cancel) {
  bool is_signed = !settings_.key.empty();
  if (const auto* url = std::get_if<http::Url>(&place)) CO_TRY(check_way(*url, is_signed));
  auto document = CO_TRY(co_await read_document(runtime_, transport_, place, limits::kCatalogBytes, cancel));
  if (!document) co_return missing(place);
  if (is_signed) {
    auto key = CO_TRY(parse_public_key(settings_.key));
    auto signature =
        CO_TRY(co_await read_document(runtime_, transport_, signature_of(place), limits::kSignatureBytes, cancel));
    auto bytes = signature ? std::optional(std::move(signature->text)) : std::nullopt;
    CO_TRY(check_signature(key, document->text, bytes));
  }
  Published published{.catalog = CO_TRY(parse_catalog(document->text)), .place = place, .leads = document->leads};
  if (is_signed) CO_TRY(check_fixed(published.catalog));
  co_return published;
}

Task<Result<Published>> Reader::read(host::Cancel& cancel) {
  if (settings_.catalog.empty())
    co_return Published{.catalog = CO_TRY(parse_catalog(find_embedded(kRecipeFiles, "images/catalog.json")->text))};
  auto place = CO_TRY(in("config key 'catalog'", parse_location(settings_.catalog, settings_.home)));
  auto context = fmt::format("read the catalog {}", to_string(place));
  auto published = CO_TRY(in(context, co_await read_at(place, cancel)));
  if (std::holds_alternative<http::Url>(place)) last_ = published;
  co_return published;
}

Task<std::optional<Published>> Reader::known() {
  bool remote = settings_.catalog.find("://") != std::string::npos;
  if (remote) co_return last_;
  host::Cancel never(runtime_);
  auto published = co_await read(never);
  if (!published) co_return std::nullopt;
  co_return std::move(*published);
}

}  // namespace banger::image::catalog
