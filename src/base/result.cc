#include "base/result.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace banger {

namespace {
constexpr std::array kNames = {
    std::pair{ErrorCode::not_found, std::string_view("not_found")},
    std::pair{ErrorCode::exists, std::string_view("exists")},
    std::pair{ErrorCode::invalid, std::string_view("invalid")},
    std::pair{ErrorCode::denied, std::string_view("denied")},
    std::pair{ErrorCode::busy, std::string_view("busy")},
    std::pair{ErrorCode::unavailable, std::string_view("unavailable")},
    std::pair{ErrorCode::timeout, std::string_view("timeout")},
    std::pair{ErrorCode::corrupt, std::string_view("corrupt")},
    std::pair{ErrorCode::cancelled, std::string_view("cancelled")},
    std::pair{ErrorCode::unsupported, std::string_view("unsupported")},
    std::pair{ErrorCode::exhausted, std::string_view("exhausted")},
    std::pair{ErrorCode::internal, std::string_view("internal")},
};
}  // namespace

std::string_view to_string(ErrorCode code) {
  for (const auto& [value, name] : kNames)
    if (value == code) return name;
  return "internal";
}

ErrorCode error_code_from_string(std::string_view name) {
  for (const auto& [value, text] : kNames)
    if (text == name) return value;
  return ErrorCode::internal;
}

Error Error::in(std::string_view context) && {
  message.insert(0, ": ").insert(0, context);
  return std::move(*this);
}

Error Error::with_hint(std::string_view way_out) && {
  if (hint.empty()) hint = way_out;
  return std::move(*this);
}

std::string Error::sentence() const { return hint.empty() ? message : message + " (hint: " + hint + ")"; }

std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint) {
  return std::unexpected(Error{code, std::move(message), 0, std::move(hint)});
}

ErrorCode code_for_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH:
    case ENXIO:
    case ENODEV:
      return ErrorCode::not_found;
    case EEXIST:
    case EADDRINUSE:
    case ENOTEMPTY:
      return ErrorCode::exists;
    case EINVAL:
    case ENAMETOOLONG:
    case E2BIG:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
      return ErrorCode::invalid;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::denied;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return ErrorCode::busy;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ErrorCode::unavailable;
    case ETIMEDOUT:
      return ErrorCode::timeout;
    case ECANCELED:
      return ErrorCode::cancelled;
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case ENOEXEC:
      return ErrorCode::unsupported;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EFBIG:
      return ErrorCode::exhausted;
    default:
      return ErrorCode::internal;
  }
}

// Limits that the kernel does not name.
static const char* hint_for_errno(int error_number) {
  if (error_number == EFBIG) return "raise the limit of the size of files (ulimit -f)";
  return error_number == EMFILE ? "raise the limit of open files (ulimit -n)" : "";
}

std::unexpected<Error> fail_errno(std::string_view what) { return fail_errno(what, errno); }

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  return std::unexpected(Error{code_for_errno(error_number), std::string(what) + ": " + std::strerror(error_number),
                               error_number, hint_for_errno(error_number)});
}

}  // namespace banger
