// POST /tree: what a prepare must know of a working tree (workspace/tree_report.h). The body has the names of files, or
// nothing. With "confirm=1", an upload has just ended.
#include <algorithm>

#include "base/bounds.h"
#include "link/bounds.h"
#include "roles/agent/routes.h"
#include "roles/agent/routes/transfer.h"
#include "workspace/bounds.h"
#include "workspace/tree_report.h"

namespace banger::roles::agent {

namespace {

Task<Result<std::string>> read_names(StreamPtr stream) {
  std::string names;
  for (;;) {
    auto more = CO_TRY(co_await stream->read());
    if (more.empty()) co_return names;
    names += more;
    if (names.size() > limits::kTreeReportBytes) co_return fail(ErrorCode::exhausted, "the request has too many names");
  }
}

Result<std::string> look(const std::string& path, const std::string& names, bool confirm) {
  if (!confirm) return names.empty() ? workspace::report_tree(path) : workspace::report_files(path, names);
  TRY(workspace::confirm_upload(path));
  return std::string();
}

Task<Result<std::string>> answer(ContextPtr context, StreamPtr stream) {
  auto path = stream->query("path").value_or("");
  if (!path.starts_with('/') || path.size() > limits::kPathBytes || path.contains('\0'))
    co_return fail(ErrorCode::invalid, "the path of a working tree is absolute");
  auto names = CO_TRY(co_await read_names(stream));
  bool confirm = stream->query("confirm") == "1";
  auto slot = CO_TRY(co_await Slot::take(context));
  co_return co_await context->runtime.blocking([=] { return look(path, names, confirm); });
}

}  // namespace

Task<> tree(ContextPtr context, StreamPtr stream) {
  auto text = co_await answer(context, stream);
  if (!text) {
    (void)co_await stream->reply_error(text.error());
    co_return;
  }
  Result<> sent = co_await stream->respond(200);
  for (std::size_t at = 0; sent && at < text->size(); at += limits::kLinkFrameBytes)
    sent = co_await stream->write(text->substr(at, limits::kLinkFrameBytes));
  if (sent) (void)co_await stream->finish();
}

}  // namespace banger::roles::agent
