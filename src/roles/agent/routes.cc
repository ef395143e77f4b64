#include "roles/agent/routes.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::roles::agent {

namespace {

struct Entry {
  std::string_view method, path;
  Route route;
};

constexpr Entry kRoutes[] = {
    {"GET", "/health", health},
    {"GET", "/stats", stats},
    {"GET", "/ports", ports},
    {"GET", "/listening", listening},
    {"POST", "/exec", exec},
    {"PUT", "/files", put_files},
    {"GET", "/files", get_files},
    {"GET", "/stat", stat_file},
    {"POST", "/tree", tree},
    {"POST", "/configure", configure},
    {"POST", "/shutdown", shutdown},
    {"POST", "/clock", clock},
    {"POST", "/hold", hold},
    {"POST", "/quiesce", quiesce},
    {"GET", "/image", get_image},
    {"POST", "/sessions", start_session},
    {"GET", "/sessions", list_sessions},
    {"DELETE", "/sessions", remove_session},
    {"GET", "/sessions/show", show_session},
    {"GET", "/sessions/logs", log_session},
    {"POST", "/sessions/attach", attach_session},
    {"POST", "/sessions/send", send_session},
    {"POST", "/sessions/signal", signal_session},
    {"POST", "/sessions/resize", resize_session},
    {"POST", "/sessions/stop", stop_session},
};

Task<> unknown(ContextPtr, StreamPtr stream) {
  (void)co_await stream->reply_error(
      Error{ErrorCode::not_found,
            fmt::format("the guest agent does not know {} {}", printable(stream->method()), printable(stream->path())),
            0, "the guest may run an older banger; restart the VM"});
}

Route find_route(std::string_view method, std::string_view path) {
  if (method == "CONNECT") return tunnel;
  for (const auto& entry : kRoutes)
    if (entry.method == method && entry.path == path) return entry.route;
  return unknown;
}

}  // namespace

Task<> dispatch(ContextPtr context, StreamPtr stream) {
  std::string escaped;
  try {
    co_await find_route(stream->method(), stream->path())(context, stream);
    co_return;
  } catch (const std::exception& error) {
    escaped = error.what();
  }
  context->log().error("request.failed", {{"method", stream->method()}, {"path", stream->path()}, {"error", escaped}});
  (void)co_await stream->reply_error(Error{ErrorCode::internal, fmt::format("the guest agent failed: {}", escaped)});
}

}  // namespace banger::roles::agent
