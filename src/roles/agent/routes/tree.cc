// POST /tree: what a prepare must know of a working tree (workspace/tree_report.h). The body has the names of files, or
// nothing. With "confirm=1", an upload has just ended. With "changes=1", the answer is a tar of the tree, without the
// named files.
#include <fcntl.h>

#include <algorithm>
#include <span>
#include <unordered_set>

#include "base/bounds.h"
#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/routes.h"
#include "roles/agent/routes/transfer.h"
#include "tar/tar.h"
#include "workspace/bounds.h"
#include "workspace/git.h"
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

/// The names in the tar begin with "tree/".
class WithoutNamed : public tar::PackRules {
 public:
  explicit WithoutNamed(std::string_view names) {
    for (auto name : workspace::records_of(names)) names_.insert(name);
  }
  Take take(std::string_view member, tar::EntryKind) const override {
    return member.starts_with(kPrefix) && names_.contains(member.substr(kPrefix.size())) ? Take::nothing : Take::whole;
  }
  std::string edit(std::string_view, std::string_view content) const override { return std::string(content); }

 private:
  static constexpr std::string_view kPrefix = "tree/";
  std::unordered_set<std::string_view> names_;
};

Result<> pack_changes(const std::string& path, const std::string& names, int tar_fd) {
  auto top = TRY(host::open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  WithoutNamed rules(names);
  tar::PackSource source{.directory = top.get(), .member = "tree", .rules = rules};
  return tar::pack_sources(std::span(&source, 1), tar_fd);
}

Result<std::string> path_of(const link::ServerStream& stream) {
  auto path = stream.query("path").value_or("");
  if (!path.starts_with('/') || path.size() > limits::kPathBytes || path.contains('\0'))
    return fail(ErrorCode::invalid, "the path of a working tree is absolute");
  return path;
}

Task<Result<std::string>> answer(ContextPtr context, StreamPtr stream) {
  auto path = CO_TRY(path_of(*stream));
  auto names = CO_TRY(co_await read_names(stream));
  bool confirm = stream->query("confirm") == "1";
  auto slot = CO_TRY(co_await Slot::take(context));
  co_return co_await context->runtime.blocking([=] { return look(path, names, confirm); });
}

Task<> send_changes(ContextPtr context, StreamPtr stream) {
  auto path = path_of(*stream);
  auto names = path ? co_await read_names(stream) : std::unexpected(path.error());
  if (!names) {
    (void)co_await stream->reply_error(names.error());
    co_return;
  }
  co_await send_archive(context, stream, {}, *path,
                        [p = *path, n = std::move(*names)](int fd) { return pack_changes(p, n, fd); });
}

}  // namespace

Task<> tree(ContextPtr context, StreamPtr stream) {
  if (stream->query("changes") == "1") co_return co_await send_changes(context, stream);
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
