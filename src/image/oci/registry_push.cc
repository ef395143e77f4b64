// Registry: uploads of blobs and manifests. Source: OCI distribution specification 1.1, "Push".
#include <fmt/format.h>

#include "http/redirect.h"
#include "image/oci/bounds.h"
#include "image/oci/registry.h"

namespace banger::image::oci {

namespace {

std::string upload_path(const Descriptor& descriptor, const std::string& mount_from) {
  if (mount_from.empty()) return "/blobs/uploads/";
  return fmt::format("/blobs/uploads/?mount={}&from={}", descriptor.digest.text(), mount_from);
}

http::Url with_digest(http::Url url, const Digest& digest) {
  url.target += fmt::format("{}digest={}", url.target.find('?') == std::string::npos ? '?' : '&', digest.text());
  return url;
}

/// Whether another attempt may succeed: the connection broke, the registry failed, or it lost the upload.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::not_found || error.code == ErrorCode::busy;
}

std::string name_of(const Descriptor& descriptor) { return "layer " + descriptor.digest.brief(); }

}  // namespace

Task<Result<bool>> Registry::has_blob(Digest digest) {
  auto request = CO_TRY(co_await request_for("/blobs/" + digest.text()));
  request.method = "HEAD";
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto response = CO_TRY(co_await ask(std::move(request), nullptr));
  if (response.status == 200) co_return true;
  if (response.status == 404) co_return false;
  co_return push_error(response, refusal(reference_.canonical()), 0);
}

/// Where the blob is to be sent.
Task<Result<http::Url>> Registry::begin_upload(const Descriptor& descriptor, const std::string& mount_from,
                                               bool& mounted) {
  auto request = CO_TRY(co_await request_for(upload_path(descriptor, mount_from)));
  request.method = "POST";
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto registry = request.url;
  auto response = CO_TRY(co_await ask(std::move(request), nullptr));
  mounted = response.status == 201;
  if (mounted) co_return registry;
  if (response.status != 202) co_return push_error(response, refusal(reference_.canonical()), descriptor.size);
  auto place =
      CO_TRY(in("the registry's place for an upload", http::resolve(registry, response.headers.get("Location"))));
  CO_TRY(check_server(registry, place, parts_.insecure));
  co_return place;
}

Task<Result<Given>> Registry::upload(const Descriptor& descriptor, const BlobContent& content,
                                     const std::string& mount_from, const std::function<void(std::uint64_t)>& sent) {
  bool mounted = false;
  auto place = CO_TRY(co_await begin_upload(descriptor, mount_from, mounted));
  if (mounted) co_return Given::mounted;
  http::Request request{.url = with_digest(place, descriptor.digest), .method = "PUT"};
  request.headers.set("Content-Type", "application/octet-stream");
  request.body = content.text;
  request.file = content.file;
  request.sent = sent;
  request.plain = place.scheme == "http" ? http::Plain::allowed : http::Plain::refused;
  request.redirects = http::Redirects::show;
  request.attempts = 1;  // the place may have a part of the bytes afterwards
  request.cancel = &cancel_;
  // The login is the registry's own, and goes to no other server.
  bool own = http::same_origin(place, CO_TRY(co_await find_base()));
  auto response =
      CO_TRY(own ? co_await ask(std::move(request), nullptr) : co_await follow(std::move(request), nullptr));
  if (response.status == 201 || response.status == 204) co_return Given::sent;
  co_return push_error(response, refusal(name_of(descriptor)), descriptor.size);
}

Task<Result<Given>> Registry::put_blob(Descriptor descriptor, BlobContent content, std::string mount_from,
                                       std::function<void(std::uint64_t)> sent) {
  auto pause = std::chrono::milliseconds(limits::kUploadFirstPause);
  for (int attempt = 1;; ++attempt, pause *= 2) {
    auto done = co_await upload(descriptor, content, mount_from, sent);
    CO_TRY(cancel_.check());
    if (done || attempt == limits::kUploadAttempts || !may_pass(done.error())) co_return done;
    (void)co_await cancel_.event().wait(host::after(pause));
    CO_TRY(cancel_.check());
  }
}

Task<Result<>> Registry::put_manifest(std::string body, std::string media_type) {
  auto request = CO_TRY(co_await request_for("/manifests/" + reference_.version()));
  request.method = "PUT";
  request.headers.set("Content-Type", media_type);
  auto size = body.size();
  request.body = std::move(body);
  request.deadlines.whole = host::after(limits::kDocumentDeadline);
  auto response = CO_TRY(co_await ask(std::move(request), nullptr));
  if (response.status == 201 || response.status == 200) co_return Result<>();
  co_return push_error(response, refusal(reference_.canonical()), size);
}

}  // namespace banger::image::oci
