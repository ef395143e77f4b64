// Errors gather context and become a sentence, and the names of codes survive a round trip.
#include "base/result.h"

#include <cerrno>

#include "base/task.h"
#include "catch.h"

using namespace banger;

namespace {
Result<int> half(int number) {
  if (number % 2) return fail(ErrorCode::invalid, "odd");
  return number / 2;
}
Result<int> quarter(int number) { return half(TRY(in("first half", half(number)))); }
}  // namespace

TEST_CASE("error: context goes in front, the deepest hint wins") {
  auto error = Error{ErrorCode::busy, "in use"}.in("tap").in("start vm 'web'");
  CHECK(error.message == "start vm 'web': tap: in use");
  CHECK(error.sentence() == "start vm 'web': tap: in use");
  auto hinted = std::move(error).with_hint("stop it").with_hint("something vaguer");
  CHECK(hinted.sentence() == "start vm 'web': tap: in use (hint: stop it)");
}

TEST_CASE("error: TRY gives the value or returns the error") {
  CHECK(quarter(8) == 2);
  CHECK(quarter(7).error().message == "first half: odd");
  CHECK(quarter(6).error().message == "odd");
}

TEST_CASE("error: every code's name comes back, unknown names are internal") {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    auto name = to_string(static_cast<ErrorCode>(code));
    CHECK(static_cast<int>(error_code_from_string(name)) == code);
  }
  CHECK(error_code_from_string("nonsense") == ErrorCode::internal);
}

TEST_CASE("error: errno becomes the fitting code") {
  CHECK(code_for_errno(ENOENT) == ErrorCode::not_found);
  CHECK(code_for_errno(EACCES) == ErrorCode::denied);
  CHECK(code_for_errno(ENOSPC) == ErrorCode::exhausted);
  CHECK(code_for_errno(ECONNREFUSED) == ErrorCode::unavailable);
  CHECK(code_for_errno(E2BIG) == ErrorCode::invalid);
  CHECK(code_for_errno(12345) == ErrorCode::internal);
  errno = EEXIST;
  auto failed = Result<>(fail_errno("disk.img"));
  CHECK(failed.error().message == "disk.img: File exists");
  CHECK(failed.error().sys_errno == EEXIST);
  CHECK(failed.error().code == ErrorCode::exists);
}
