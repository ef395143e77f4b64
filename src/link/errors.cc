#include "link/errors.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "link/bounds.h"
#include "link/link.h"

namespace banger::link {

namespace {

struct Row {
  ErrorCode code;
  int status;
};
// RFC 9110, 15.5; 507: RFC 4918. 499 is nginx's status for a client that went away.
constexpr std::array<Row, 12> kStatuses{{
    {ErrorCode::not_found, 404},
    {ErrorCode::exists, 409},
    {ErrorCode::invalid, 400},
    {ErrorCode::denied, 403},
    {ErrorCode::busy, 429},
    {ErrorCode::unavailable, 503},
    {ErrorCode::timeout, 504},
    {ErrorCode::corrupt, 422},
    {ErrorCode::cancelled, 499},
    {ErrorCode::unsupported, 501},
    {ErrorCode::exhausted, 507},
    {ErrorCode::internal, 500},
}};

ErrorCode code_for(int status) {
  for (const auto& row : kStatuses)
    if (row.status == status) return row.code;
  return status < 500 ? ErrorCode::invalid : ErrorCode::internal;
}

}  // namespace

int status_for(ErrorCode code) {
  for (const auto& row : kStatuses)
    if (row.code == code) return row.status;
  return 500;
}

std::string error_body(const Error& error) {
  return dump_json(Json{{"code", std::string(to_string(error.code))}, {"message", error.sentence()}});
}

Error guest_error(int status, std::string_view body) {
  Error error{.code = code_for(status), .message = fmt::format("the guest answered with status {}", status)};
  auto json = parse_json(body, limits::kLinkJsonBytes);
  if (!json) return error;
  if (auto code = find_string(*json, "code"); code && *code) error.code = error_code_from_string(**code);
  if (auto message = find_string(*json, "message"); message && *message && !(*message)->empty())
    error.message = printable(**message, limits::kLinkErrorBytes);
  return error;
}

}  // namespace banger::link
