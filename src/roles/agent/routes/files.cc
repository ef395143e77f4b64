// PUT and GET /files: tar streams in and out. GET /stat: the type of a path. The archive work blocks, so it runs on the
// pool, at the other end of a pipe. Closing this end of the pipe stops it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"
#include "roles/agent/routes.h"
#include "roles/agent/routes/transfer.h"
#include "roles/agent/uploads.h"
#include "roles/agent/users.h"
#include "tar/identity.h"
#include "tar/tar.h"

namespace banger::roles::agent {

namespace {

std::string_view type_name(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "directory";
  if (S_ISLNK(mode)) return "symlink";
  return "other";
}

// The path of a request, made absolute. A relative path is under root's home, as with scp. The kernel resolves links
// and "..".
Result<std::string> path_of(const link::ServerStream& stream) {
  auto path = stream.query("path");
  if (!path || path->empty()) return fail(ErrorCode::invalid, "the request names no path");
  if (path->size() > limits::kPathBytes || path->find('\0') != path->npos)
    return fail(ErrorCode::invalid, "the path is not valid in the guest");
  if (path->front() != '/') path = fmt::format("{}/{}", TRY(load_user("root")).home, *path);
  // With a trailing slash, some calls follow a last link and some do not. With "/." all of them follow it.
  if (path->ends_with('/')) *path += '.';
  return *path;
}

// The last component, without the slashes and "/." after it; "." when there is no usable name.
std::string name_of(std::string_view path) {
  while (path.ends_with('/') || path.ends_with("/.")) path.remove_suffix(1);
  auto name = path.substr(path.rfind('/') + 1);
  return std::string(name.empty() || name == ".." ? "." : name);
}

// What an upload could not bring. The answer has limited room, so the rest is only counted.
struct LeftOut {
  Json list = Json::array();
  std::size_t bytes = 0, more = 0;

  void add(std::string_view name, std::string_view reason) {
    auto path = printable(name, limits::kPathBytes), why = printable(reason);
    bytes += path.size() + why.size();
    if (bytes > limits::kLeftOutBytes)
      ++more;
    else
      list.push_back({{"path", std::move(path)}, {"reason", std::move(why)}});
  }
};

// Request body → pipe. Reads on when the archive ends before the body: the rest is padding.
Task<> feed(TransferPtr t) {
  bool pipe_open = true;
  while (!t->result || *t->result) {
    auto bytes = co_await t->stream->read();
    t->broke = !bytes;
    if (!bytes || bytes->empty()) break;
    if (!pipe_open) continue;
    pipe_open = co_await pass_on(t, std::move(*bytes));
  }
  close(t);
  t->fed = true;
  t->changed.notify_all();
}

// The daemon passes the body unread to a caller that sees no status. So the body also has the error in its "error"
// field.
Task<> refuse_upload(StreamPtr stream, Error error) {
  Json what = {{"code", to_string(error.code)}, {"message", error.sentence()}};
  Json body = what;
  body["error"] = what;
  int status = error.code == ErrorCode::not_found ? 404 : error.code == ErrorCode::busy ? 503 : 400;
  (void)co_await stream->reply_json(status, dump_json(body) + "\n");
}

// The options of an upload. The host's user ids mean nothing in the guest, so `vm cp` requests files that root owns.
tar::UnpackOptions unpack_options(const link::ServerStream& stream, std::shared_ptr<LeftOut> left_out) {
  return {.keep_owner = ::geteuid() == 0 && stream.query("owner") != "root",
          .keep_setid = true,
          .keep_existing = stream.query("attributes") != "new",
          .top = stream.query("follow") == "1" ? tar::Target::named : tar::Target::found,
          .only = stream.query("only").value_or(""),
          .left_out = [left_out](auto name, auto reason) { left_out->add(name, reason); }};
}

Task<Result<>> receive(ContextPtr context, StreamPtr stream, std::shared_ptr<LeftOut> left_out) {
  auto path = CO_TRY(path_of(*stream));
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) co_return fail_errno(printable(path, limits::kPathBytes));
  if (!S_ISDIR(info.st_mode))
    co_return fail(ErrorCode::invalid,
                   fmt::format("{} is not a directory in the guest", printable(path, limits::kPathBytes)));
  auto unpack = [path, options = unpack_options(*stream, left_out), records = context->run_dir.uploads_path(),
                 ready = context->run_dir.system_ready()](int fd) {
    // Before the boot's end, the file system of a rest may not be mounted.
    if (ready) remove_abandoned_uploads(records);
    return unpack_recorded(records, fd, path, options);
  };
  auto t = CO_TRY(co_await start_transfer(context, stream, Direction::in, std::move(unpack)));
  context->runtime.spawn(feed(t));
  while (!t->result) co_await t->changed.wait();
  auto deadline = host::after(limits::kUploadEndDeadline);
  while (*t->result && !t->fed)
    if (!co_await t->changed.wait(deadline))
      t->result = fail(ErrorCode::invalid, "the upload continues after the end of its archive");
  if (*t->result && t->broke) t->result = fail(ErrorCode::cancelled, "the upload was broken off");
  // The caller's handle is then the last one. A feeder that still waits for bytes ends with that handle.
  t->stream.reset();
  co_return *t->result;
}

}  // namespace

Task<> put_files(ContextPtr context, StreamPtr stream) {
  auto left_out = std::make_shared<LeftOut>();
  if (auto received = co_await receive(context, stream, left_out); !received) {
    co_await refuse_upload(stream, std::move(received.error()));
    co_return;
  }
  Json answer = {{"ok", true}};
  if (!left_out->list.empty()) answer["left_out"] = left_out->list;
  if (left_out->more > 0) answer["left_out_more"] = left_out->more;
  (void)co_await stream->reply_json(200, dump_json(answer) + "\n");
}

Task<> get_files(ContextPtr context, StreamPtr stream) {
  auto path = path_of(*stream);
  struct stat info{};
  Result<> found = path ? Result<>() : std::unexpected(path.error());
  if (found && ::lstat(path->c_str(), &info) < 0) found = fail_errno(printable(*path, limits::kPathBytes));
  auto name = stream->query("name").value_or(path ? name_of(*path) : ".");
  if (found && name.find('/') != name.npos) found = fail(ErrorCode::invalid, "the name in the archive has a '/'");
  tar::PackOptions options{.symlinks = stream->query("follow") == "1" ? tar::Symlinks::follow : tar::Symlinks::keep};
  if (!found) {
    (void)co_await stream->reply_error(found.error());
    co_return;
  }
  co_await send_archive(context, stream, {{"x-banger-type", std::string(type_name(info.st_mode))}}, *path,
                        [p = *path, name, options](int fd) { return tar::pack_tree(p, name, fd, options); });
}

Task<> stat_file(ContextPtr, StreamPtr stream) {
  auto path = path_of(*stream);
  struct stat info{};
  Json answer = {{"exists", true}};
  if (path && ::lstat(path->c_str(), &info) < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      answer = {{"exists", false}};
    else
      path = fail_errno(printable(*path, limits::kPathBytes));
  } else if (path) {
    answer["type"] = type_name(info.st_mode);
    answer["mode"] = info.st_mode & 07777;
    answer["identity"] = tar::identity_of(info);
    // A copy needs to know whether a link leads to a directory to copy into.
    if (S_ISLNK(info.st_mode) && ::stat(path->c_str(), &info) == 0) {
      answer["target_type"] = type_name(info.st_mode);
      answer["target_identity"] = tar::identity_of(info);
    }
    if (auto around = tar::directories_around(*path); !around.empty()) answer["around"] = std::move(around);
  }
  if (path)
    (void)co_await stream->reply_json(200, dump_json(answer));
  else
    (void)co_await stream->reply_error(path.error());
}

}  // namespace banger::roles::agent
