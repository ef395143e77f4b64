// How banger's functions fail. An error is a value that gathers context on its way up and becomes a sentence with a way
// out for the user. Exceptions stop at the adapters around libraries that throw.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace banger {

/// What the caller can do about an error. The names are stable, because RPC error data carries them.
enum class ErrorCode {
  not_found,    ///< the named object does not exist
  exists,       ///< the name or resource is taken
  invalid,      ///< the request or a file is malformed; repeating it cannot help
  denied,       ///< permissions
  busy,         ///< in use right now; repeating later may help
  unavailable,  ///< a required host tool, daemon or guest agent is missing or not reachable
  timeout,      ///< a deadline passed
  corrupt,      ///< data failed a check; it must be replaced
  cancelled,    ///< the caller went away or asked to stop
  unsupported,  ///< this host, guest or build cannot do it
  exhausted,    ///< no space, memory, or a limit is reached
  internal,     ///< a bug in banger
};

std::string_view to_string(ErrorCode code);

/// The inverse of to_string; unknown names become `internal`.
ErrorCode error_code_from_string(std::string_view name);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;    ///< `outer context: inner cause`, no trailing full stop
  int sys_errno = 0;      ///< errno behind it, or 0
  std::string hint = {};  ///< a way out, as an imperative clause; may be empty

  /// Prepends `context: `.
  Error in(std::string_view context) &&;
  /// Adds a way out unless a deeper function already gave a better one.
  Error with_hint(std::string_view way_out) &&;
  /// `message (hint: hint)`.
  std::string sentence() const;
};

template <class T = void>
using Result = std::expected<T, Error>;

std::unexpected<Error> fail(ErrorCode code, std::string message, std::string hint = {});

/// An error from errno (or `error_number`), as `what: strerror`, with the fitting code.
std::unexpected<Error> fail_errno(std::string_view what);
std::unexpected<Error> fail_errno(std::string_view what, int error_number);
ErrorCode code_for_errno(int error_number);

/// `result`; if it is an error, `context: ` is put before its message.
template <class T>
Result<T> in(std::string_view context, Result<T> result) {
  if (!result) return std::unexpected(std::move(result.error()).in(context));
  return result;
}

}  // namespace banger

// TRY(expr) gives the value of a Result, or returns its error from the calling function. CO_TRY does the same in a
// coroutine: `auto x = CO_TRY(co_await f());`. The counter makes names unique, so that one TRY can stand inside
// another.
#define BANGER_TRY_NAMED(ret, name, expr)                    \
  ({                                                         \
    auto name = (expr);                                      \
    if (!name) ret std::unexpected(std::move(name).error()); \
    *std::move(name);                                        \
  })
#define BANGER_TRY_EXPAND(ret, number, expr) BANGER_TRY_NAMED(ret, banger_try_##number, expr)
#define BANGER_TRY_IMPL(ret, number, expr) BANGER_TRY_EXPAND(ret, number, expr)
#define TRY(expr) BANGER_TRY_IMPL(return, __COUNTER__, expr)
#define CO_TRY(expr) BANGER_TRY_IMPL(co_return, __COUNTER__, expr)
