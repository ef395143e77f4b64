// Registry: requests for documents and blobs. registry_login.cc has the rest of the class.
#include "image/oci/registry.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/redirect.h"
#include "image/oci/bounds.h"
#include "image/oci/media_types.h"

namespace banger::image::oci {

namespace {

/// A web server that knows no registry answers every address with a page, often with the status 200.
bool is_web_page(const http::Response& response) {
  return response.headers.get("Content-Type").starts_with("text/html") || trim(response.body).starts_with('<');
}

}  // namespace

Registry::Registry(RegistryParts parts, Reference reference, host::Cancel& cancel)
    : parts_(parts),
      reference_(std::move(reference)),
      cancel_(cancel),
      logging_in_(parts.runtime),
      finding_base_(parts.runtime) {}

Refusal Registry::refusal(std::string what) const {
  return {.registry = reference_.registry, .what = std::move(what), .logged_in = login_ && !login_->empty()};
}

/// Only registries that may be plain are asked which way they are reached. All others get TLS or nothing.
Task<Result<http::Url>> Registry::find_base() {
  auto turn = co_await finding_base_.lock();
  if (base_) co_return *base_;
  auto url = CO_TRY(http::parse_url(fmt::format("https://{}/v2/", reference_.host())));
  if (may_be_plain(reference_.registry, parts_.insecure)) {
    http::Request probe{.url = url};
    probe.attempts = 1;
    probe.redirects = http::Redirects::show;
    probe.deadlines.stall = limits::kTlsProbeDeadline;
    probe.cancel = &cancel_;
    auto answer = co_await parts_.transport.send(std::move(probe));
    CO_TRY(cancel_.check());
    // An untrusted certificate stays an error: whoever serves TLS wants it used.
    if (!answer && answer.error().code == ErrorCode::denied) co_return std::unexpected(answer.error());
    if (!answer) url = CO_TRY(http::parse_url(fmt::format("http://{}/v2/", reference_.host())));
  }
  base_ = url;
  co_return url;
}

Task<Result<http::Request>> Registry::request_for(std::string path) {
  http::Request request{.url = CO_TRY(co_await find_base())};
  request.plain = request.url.scheme == "http" ? http::Plain::allowed : http::Plain::refused;
  request.url.target += reference_.repository + path;
  request.redirects = http::Redirects::show;
  request.cancel = &cancel_;
  co_return request;
}

Task<Result<http::Response>> Registry::transfer(http::Request request, const http::Download* download) {
  bool own = http::same_origin(request.url, CO_TRY(co_await find_base()));
  request.within = own ? http::Within::anywhere : leads_;
  auto response = CO_TRY(download ? co_await parts_.transport.download(std::move(request), *download)
                                  : co_await parts_.transport.send(std::move(request)));
  if (own && response.leads == http::Within::global_only) leads_ = response.leads;
  co_return response;
}

Task<Result<http::Response>> Registry::follow(http::Request request, const http::Download* download) {
  auto registry = request.url;
  for (int redirects = 0; redirects <= limits::kRedirects; ++redirects) {
    auto response = CO_TRY(co_await transfer(request, download));
    response.url = request.url;
    if (!http::is_redirect(response)) co_return response;
    auto target =
        CO_TRY(in("the registry redirects elsewhere", http::resolve(request.url, response.headers.get("Location"))));
    CO_TRY(check_server(registry, target, parts_.insecure));
    request = CO_TRY(http::redirected(request, response));
  }
  co_return fail(ErrorCode::unavailable, fmt::format("registry {} redirects in a circle", reference_.registry),
                 "ask who runs the registry");
}

Task<Result<http::Response>> Registry::ask(http::Request request, const http::Download* download) {
  auto used = CO_TRY(co_await known_authorization());
  if (!used.empty()) request.headers.set("Authorization", used);
  auto response = CO_TRY(co_await follow(request, download));
  // Only the registry itself may ask for a login. A server behind a redirect would name a token server of its own.
  if (response.status != 401 || !http::same_origin(response.url, request.url)) co_return response;
  request.headers.set("Authorization", CO_TRY(co_await log_in(std::move(response), used)));
  co_return co_await follow(std::move(request), download);
}

Task<Result<Digest>> Registry::resolve() {
  if (reference_.digest) co_return *reference_.digest;
  auto request = CO_TRY(co_await request_for("/manifests/" + reference_.tag));
  request.method = "HEAD";
  request.headers.set("Accept", accepted_types());
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto response = CO_TRY(co_await ask(std::move(request), nullptr));
  auto header = response.headers.get("Docker-Content-Digest");
  if (response.status == 200 && !header.empty()) {
    if (auto digest = Digest::parse(header)) co_return *digest;
  }
  // These last, and the client has tried several times.
  if (response.status == 429 || response.status >= 502)
    co_return status_error(response, refusal(reference_.canonical()));
  // Otherwise the answer to GET has the registry's own words, and old registries know no HEAD.
  co_return CO_TRY(co_await fetch_document(reference_.tag)).digest;
}

Task<Result<FetchedDocument>> Registry::fetch_document(std::string version) {
  auto request = CO_TRY(co_await request_for("/manifests/" + version));
  request.headers.set("Accept", accepted_types());
  request.max_body_bytes = limits::kOciManifestBytes;
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto response = CO_TRY(co_await ask(std::move(request), nullptr));
  if (response.status != 200) co_return status_error(response, refusal(reference_.canonical()));
  if (is_web_page(response))
    co_return fail(ErrorCode::invalid,
                   fmt::format("{} sent a web page in place of a manifest", http::host_and_port(response.url)),
                   "the server may not be a registry: check its name and port");
  auto digest = Digest::of(response.body);
  co_return FetchedDocument{response.headers.get("Content-Type"), std::move(response.body), std::move(digest)};
}

Task<Result<FetchedDocument>> Registry::document(Digest digest) {
  auto fetched = CO_TRY(co_await fetch_document(digest.text()));
  if (fetched.digest == digest) co_return fetched;
  co_return fail(ErrorCode::corrupt,
                 fmt::format("registry {} sent a manifest with the digest {} instead of {}", reference_.registry,
                             fetched.digest.text(), digest.text()),
                 "try again; if this goes on, ask who runs the registry");
}

Task<Result<std::string>> Registry::blob(Descriptor descriptor, std::string what) {
  auto request = CO_TRY(co_await request_for("/blobs/" + descriptor.digest.text()));
  request.max_body_bytes = descriptor.size;
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto response = CO_TRY(in(what, co_await ask(std::move(request), nullptr)));
  if (response.status != 200) co_return status_error(response, refusal(std::move(what)));
  if (response.body.size() == descriptor.size && Digest::of(response.body) == descriptor.digest)
    co_return std::move(response.body);
  co_return fail(ErrorCode::corrupt,
                 fmt::format("registry {} sent a {} that does not match its digest", reference_.registry, what),
                 "try again; if this goes on, ask who runs the registry");
}

Task<Result<>> Registry::download(Descriptor descriptor, http::Download download, host::Cancel& cancel) {
  auto request = CO_TRY(co_await request_for("/blobs/" + descriptor.digest.text()));
  request.cancel = &cancel;
  auto write = std::move(download.write);
  auto restart = std::move(download.restart);
  download.write = [&](std::string_view piece) -> Task<Result<>> {
    CO_TRY(co_await write(piece));
    download.offset += piece.size();
    co_return Result<>();
  };
  download.restart = [&]() -> Task<Result<>> {
    download.offset = 0;
    co_return co_await restart();
  };
  for (;;) {
    auto before = download.offset;
    auto response = CO_TRY(co_await ask(request, &download));
    if (response.status == 200 || response.status == 206) co_return Result<>();
    // A token or a signed address may expire during a long download. The registry then gives another one.
    bool expired = response.status >= 400 && response.status <= 403 && download.offset > before;
    if (!expired) co_return status_error(response, refusal("layer " + descriptor.digest.brief()));
  }
}

}  // namespace banger::image::oci
