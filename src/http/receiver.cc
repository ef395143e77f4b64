#include "http/receiver.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/content_range.h"

namespace banger::http {

namespace {

std::unexpected<Error> too_large(std::uint64_t max_bytes) {
  return fail(ErrorCode::exhausted, fmt::format("the response is larger than {}", format_size(max_bytes)));
}

/// An entity tag that proves equal bytes (RFC 9110, section 8.8.3).
std::string strong_etag(const Headers& headers) {
  auto tag = headers.get("ETag");
  return tag.starts_with('"') ? tag : "";
}

}  // namespace

Task<Result<>> MemoryReceiver::begin(const Response&, std::optional<std::uint64_t> length_bytes) {
  body_.clear();
  if (length_bytes && *length_bytes > max_bytes_) co_return too_large(max_bytes_);
  co_return Result<>();
}

Task<Result<>> MemoryReceiver::piece(std::string_view bytes) {
  if (bytes.size() > max_bytes_ - body_.size()) co_return too_large(max_bytes_);
  body_ += bytes;
  co_return Result<>();
}

void DownloadReceiver::prepare(Request& request) {
  // A compressed form would have other offsets and another digest.
  request.headers.set("Accept-Encoding", "identity");
  if (received_ == 0) return;
  request.headers.set("Range", fmt::format("bytes={}-", received_));
  if (!etag_.empty()) request.headers.set("If-Range", etag_);
}

Result<> DownloadReceiver::check_size(std::uint64_t size_bytes) const {
  if (download_.size_bytes && size_bytes != *download_.size_bytes)
    return fail(ErrorCode::corrupt,
                fmt::format("the server has {} bytes, but {} are expected", size_bytes, *download_.size_bytes));
  if (size_bytes > download_.max_bytes) return too_large(download_.max_bytes);
  return {};
}

Task<Result<>> DownloadReceiver::begin(const Response& response, std::optional<std::uint64_t> length_bytes) {
  if (response.status == 206) {
    auto range = parse_content_range(response.headers.get("Content-Range"));
    bool known = range && range->size_bytes;
    if (received_ == 0 || !range || range->first != received_ || (whole_ && known && *range->size_bytes != *whole_))
      co_return fail(ErrorCode::corrupt, "the server sent another range of bytes than it was asked for");
    if (known) CO_TRY(check_size(*range->size_bytes));
    if (known) whole_ = range->size_bytes;
  } else {
    if (response.status != 200)
      co_return fail(ErrorCode::corrupt, fmt::format("the server answered {} to a download", response.status));
    if (received_ > 0) CO_TRY(co_await restart());
    if (length_bytes) CO_TRY(check_size(*length_bytes));
    whole_ = length_bytes;
  }
  etag_ = strong_etag(response.headers);
  co_return Result<>();
}

Task<Result<>> DownloadReceiver::piece(std::string_view bytes) {
  auto fits = [&](std::uint64_t most) { return received_ <= most && bytes.size() <= most - received_; };
  // The expected size comes first: a limit that is equal to it is no reason to speak of space.
  if (download_.size_bytes && !fits(*download_.size_bytes))
    co_return fail(ErrorCode::corrupt,
                   fmt::format("the server sent more than the expected {} bytes", *download_.size_bytes));
  if (!fits(download_.max_bytes)) co_return too_large(download_.max_bytes);
  CO_TRY(co_await download_.write(bytes));
  received_ += bytes.size();
  co_return Result<>();
}

Result<> DownloadReceiver::complete(Ending ending) {
  bool broken = ending == Ending::closed && download_.size_bytes && received_ < *download_.size_bytes;
  if (broken || (whole_ && received_ < *whole_))
    return fail(ErrorCode::unavailable, "the server sent only a part of the bytes");
  return check_size(received_);
}

bool DownloadReceiver::take_progress() {
  if (received_ < renewed_at_ + limits::kHttpReadBytes) return false;
  renewed_at_ = received_;
  return true;
}

Task<Result<>> DownloadReceiver::restart() {
  if (!download_.restart) co_return fail(ErrorCode::unavailable, "the server cannot go on in the middle of a download");
  CO_TRY(co_await download_.restart());
  received_ = 0;
  whole_.reset();
  etag_.clear();
  co_return Result<>();
}

}  // namespace banger::http
