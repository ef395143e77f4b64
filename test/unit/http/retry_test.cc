// When a request is sent again.
#include "http/retry.h"

#include "catch.h"
#include "http/bounds.h"

using namespace banger;
using namespace std::chrono_literals;

namespace {

const auto kNow = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT

}  // namespace

TEST_CASE("retry: transient statuses and idempotent methods") {
  for (int status : {408, 429, 500, 502, 503, 504}) CHECK(http::is_transient(status));
  for (int status : {200, 401, 404, 501, 505}) CHECK_FALSE(http::is_transient(status));
  for (auto* method : {"GET", "HEAD", "PUT", "DELETE"}) CHECK(http::is_idempotent(method));
  for (auto* method : {"POST", "PATCH", "get"}) CHECK_FALSE(http::is_idempotent(method));
}

TEST_CASE("retry: Retry-After has seconds or a date") {
  CHECK(http::parse_retry_after("120", kNow) == 120s);
  CHECK(http::parse_retry_after(" 0 ", kNow) == 0s);
  CHECK(http::parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", kNow) == 10s);
  CHECK(http::parse_retry_after("Sunday, 06-Nov-94 08:49:47 GMT", kNow) == 10s);
  CHECK(http::parse_retry_after("Sun Nov  6 08:49:47 1994", kNow) == 10s);
  CHECK(http::parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", kNow) == 0s);
  CHECK(http::parse_retry_after("99999999999999999999999", kNow).value() > 1h);
  for (auto* text : {"", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov"})
    CHECK_FALSE(http::parse_retry_after(text, kNow));
}

TEST_CASE("retry: pauses double up to a bound, and differ at random") {
  CHECK(http::pause_after(1, 0) == limits::kRetryPause);
  CHECK(http::pause_after(2, 0) == 2 * limits::kRetryPause);
  CHECK(http::pause_after(3, 0) == 4 * limits::kRetryPause);
  CHECK(http::pause_after(1000, 0) == limits::kRetryPauseMost);
  CHECK(http::pause_after(1, 0.5) == limits::kRetryPause * 3 / 4);
}
