// The methods that turn the connection into a stream: vm.exec, files and logs. vm.stat_file is here too.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/file.h"
#include "base/bounds.h"
#include "base/byte_string.h"
#include "base/text.h"
#include "engine/reach/relay.h"
#include "engine/vm/wake.h"
#include "host/files.h"
#include "host/log_tail.h"
#include "link/bounds.h"
#include "machine/log_bound.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/methods.h"
#include "roles/daemon/methods/vm_object.h"

namespace banger::roles::daemon {

namespace {

std::string query_path(std::string_view route, std::string_view path) {
  return fmt::format("{}?path={}", route, link::percent_encode(path));
}

// The path becomes a header of a request. A longer one would break the link, and no Linux has longer ones.
Result<std::string> guest_path(const Json& params) {
  auto path = TRY(get_bytes(params, "path"));
  if (path.empty() || path.size() > limits::kPathBytes)
    return fail(ErrorCode::invalid, fmt::format("a path in a guest has 1 to {} bytes", limits::kPathBytes));
  return path;
}

struct Opened {
  std::shared_ptr<engine::VmOwner> vm;
  engine::VmUse::Guard use;
  std::shared_ptr<link::ClientStream> stream;
};

Task<Result<Opened>> open_stream(Daemon& daemon, const Json& params, link::Request request) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto use = vm->parts().use->begin();
  auto client = CO_TRY(co_await engine::reach_guest(vm, limits::kAgentConnectDeadline));
  std::shared_ptr<link::ClientStream> stream = CO_TRY(co_await client->open(std::move(request)));
  co_return Opened{vm, std::move(use), stream};
}

// The whole body of a short answer, at most limits::kLinkJsonBytes and one chunk.
Task<Result<std::string>> read_body(link::ClientStream& stream) {
  std::string body;
  while (body.size() < limits::kLinkJsonBytes) {
    auto more = CO_TRY(co_await stream.read());
    if (more.empty()) break;
    body += more;
  }
  co_return body;
}

Task<Result<api::FileObject>> describe_file(Daemon& daemon, const Json& params, std::string path) {
  auto vm = CO_TRY(named_vm(daemon, params));
  auto client = CO_TRY(co_await engine::reach_guest(vm, limits::kAgentConnectDeadline));
  auto text =
      CO_TRY(co_await client->call("GET", query_path("/stat", path), "", host::after(limits::kLinkRequestDeadline)));
  auto json = CO_TRY(parse_json(text, limits::kLinkJsonBytes));
  api::FileObject file{.exists = CO_TRY(get_bool(json, "exists")),
                       .type = printable(CO_TRY(find_string(json, "type")).value_or("")),
                       .mode = CO_TRY(find_int(json, "mode")).value_or(0),
                       .target_type = CO_TRY(find_string(json, "target_type")),
                       .identity = CO_TRY(find_string(json, "identity")),
                       .target_identity = CO_TRY(find_string(json, "target_identity")),
                       .around = CO_TRY(find_strings(json, "around"))};
  for (auto* field : {&file.target_type, &file.identity, &file.target_identity})
    if (*field) *field = printable(**field);
  for (auto& identity : *file.around) identity = printable(identity);
  co_return file;
}

Task<Result<Json>> exec(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto [vm, use, stream] = CO_TRY(co_await open_stream(daemon, params, {.method = "POST", .path = "/exec"}));
  // The daemon does not wait for the guest's answer, because every command would pay for that round trip. The client
  // has a deadline of its own.
  auto caller = CO_TRY(co_await context.become_stream(api::to_json(name_object(*vm))));
  // The call counts as foreground only at its begin and at its end. A shell may be open for days.
  (void)daemon.vms.foreground().begin();
  co_await engine::relay(daemon.services.runtime, std::move(caller), stream, engine::OnCallerEnd::reset);
  (void)daemon.vms.foreground().begin();
  co_return Json();
}

// The guest's answer to an upload. Its texts are untrusted.
api::UploadResult read_answer(const std::string& body) {
  auto json = parse_json(body, limits::kLinkJsonBytes);
  auto answer = json ? api::read<api::UploadResult>(*json) : std::unexpected(json.error());
  if (!answer) return {.ok = true, .error = {}, .left_out = {}, .left_out_more = {}};
  if (answer->left_out)
    for (auto& [path, reason] : *answer->left_out) {
      path = printable(path, limits::kPathBytes);
      reason = printable(reason);
    }
  answer->ok = true;
  answer->error = {};
  return *answer;
}

// Passes an upload on to the guest, and returns the guest's verdict.
Task<Result<api::UploadResult>> upload(rpc::RawStream& caller, link::ClientStream& guest) {
  for (;;) {
    auto bytes = CO_TRY(co_await caller.read());
    if (bytes.empty()) break;
    // A guest that refuses the upload answers early. Its answer says why.
    if (!co_await guest.write(std::move(bytes))) break;
  }
  (void)co_await guest.finish();
  int status = CO_TRY(co_await guest.status(host::after(limits::kUnpackDeadline)));
  auto body = CO_TRY(co_await read_body(guest));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, body));
  co_return read_answer(body);
}

api::UploadResult upload_result(Result<api::UploadResult> done) {
  if (done) return std::move(*done);
  const auto& error = done.error();
  api::ErrorObject object{.code = std::string(to_string(error.code)), .message = error.message, .hint = {}};
  if (!error.hint.empty()) object.hint = error.hint;
  return {.ok = {}, .error = std::move(object), .left_out = {}, .left_out_more = {}};
}

// A name becomes a header of a request, as a path does.
Result<std::string> name_query(const Json& params, std::string_view key) {
  auto name = TRY(find_bytes(params, key));
  if (!name) return std::string();
  if (name->empty() || name->size() > limits::kPathBytes || name->find('/') != name->npos)
    return fail(ErrorCode::invalid, fmt::format("'{}' is no name of a file", key));
  return fmt::format("&{}={}", key, link::percent_encode(*name));
}

Task<Result<Json>> put_files(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto path = CO_TRY(guest_path(params));
  auto only = CO_TRY(name_query(params, "only"));
  auto file = CO_TRY(co_await describe_file(daemon, params, path));
  if (file.type != "directory" && file.target_type != "directory")
    co_return fail(ErrorCode::not_found, fmt::format("{}: no such directory in the guest", printable(path)));
  bool keep_owner = CO_TRY(find_bool(params, "keep_owner")).value_or(false);
  bool follow_link = CO_TRY(find_bool(params, "follow_link")).value_or(false);
  bool replace = CO_TRY(find_bool(params, "replace_attributes")).value_or(false);
  auto target = query_path("/files", path) + (keep_owner ? "" : "&owner=root") + (follow_link ? "&follow=1" : "") +
                (replace ? "&attributes=new" : "") + only;
  auto [vm, use, stream] = CO_TRY(
      co_await open_stream(daemon, params, {.method = "PUT", .path = target, .on_silence = link::OnSilence::end}));
  auto caller = CO_TRY(co_await context.become_stream(Json::object()));
  auto done = co_await upload(*caller, *stream);
  (void)co_await caller->write(dump_json(api::to_json(upload_result(std::move(done)))) + "\n");
  caller->shutdown_write();
  co_return Json();
}

Task<Result<Json>> get_files(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto path = CO_TRY(guest_path(params));
  auto file = CO_TRY(co_await describe_file(daemon, params, path));
  if (!file.exists)
    co_return fail(ErrorCode::not_found, fmt::format("{}: no such file or directory in the guest", printable(path)));
  bool follow = CO_TRY(find_bool(params, "follow_links")).value_or(false);
  auto source = query_path("/files", path) + CO_TRY(name_query(params, "name")) + (follow ? "&follow=1" : "");
  auto [vm, use, stream] = CO_TRY(
      co_await open_stream(daemon, params, {.method = "GET", .path = source, .on_silence = link::OnSilence::end}));
  CO_TRY(co_await stream->finish());
  int status = CO_TRY(co_await stream->status(host::after(limits::kLinkRequestDeadline)));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, CO_TRY(co_await read_body(*stream))));
  auto caller = CO_TRY(co_await context.become_stream(
      api::to_json(api::DownloadObject{.type = file.type, .name = vm->record().name()})));
  co_await engine::relay(daemon.services.runtime, std::move(caller), stream, engine::OnCallerEnd::ignore);
  co_return Json();
}

Task<Result<Json>> stat_file(Daemon& daemon, const Json& params, rpc::CallContext&) {
  auto path = CO_TRY(guest_path(params));
  co_return api::to_json(CO_TRY(co_await describe_file(daemon, params, path)));
}

// The caller's names are passed on unread, and so is the guest's answer.
Task<Result<Json>> report_tree(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto target = query_path("/tree", CO_TRY(guest_path(params)));
  for (const char* what : {"confirm", "changes"})
    if (CO_TRY(find_bool(params, what)).value_or(false)) target += fmt::format("&{}=1", what);
  auto [vm, use, stream] = CO_TRY(
      co_await open_stream(daemon, params, {.method = "POST", .path = target, .on_silence = link::OnSilence::end}));
  auto caller = CO_TRY(co_await context.become_stream(Json::object()));
  co_await engine::relay(daemon.services.runtime, std::move(caller), stream, engine::OnCallerEnd::pass_on);
  co_return Json();
}

struct LogFile {
  UniqueFd fd;
  std::string path;
};

// The beginning of the part of the log that the client asks for: always the beginning of a line.
Result<off_t> first_byte(int log, const Json& params) {
  auto lines = TRY(find_int(params, "tail_lines"));
  auto bytes = TRY(find_int(params, "tail_bytes"));
  if (lines && bytes) return fail(ErrorCode::invalid, "'tail_lines' and 'tail_bytes' exclude each other");
  auto most = lines ? INT64_MAX : bytes.value_or(limits::kLogTailBytes);
  auto size = ::lseek(log, 0, SEEK_END);
  auto from = host::next_line(log, machine::first_text(log, std::max<off_t>(0, size - most)));
  return lines ? host::last_lines(log, from, static_cast<std::uint64_t>(*lines)) : from;
}

Result<LogFile> open_log(const engine::VmOwner& vm, const Json& params) {
  auto source = TRY(find_string(params, "source")).value_or("console");
  auto path = fmt::format("{}/{}.log", vm.parts().disks.directory(), source);
  auto fd = host::open_file(path, O_RDONLY | O_NOFOLLOW);
  if (!fd && fd.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, fmt::format("vm '{}' has no {} log yet", vm.record().name(), source),
                fmt::format("banger vm start {}", vm.record().name()));
  if (!fd) return std::unexpected(std::move(fd.error()));
  ::lseek(fd->get(), TRY(first_byte(fd->get(), params)), SEEK_SET);
  return LogFile{std::move(*fd), std::move(path)};
}

Task<Result<Json>> logs(Daemon& daemon, const Json& params, rpc::CallContext& context) {
  auto vm = CO_TRY(named_vm(daemon, params));
  bool follow = CO_TRY(find_bool(params, "follow")).value_or(false);
  auto log = CO_TRY(open_log(*vm, params));
  auto caller = CO_TRY(co_await context.become_stream(Json::object()));
  std::string buffer(limits::kLogReadBytes, '\0');
  for (;;) {
    // This comes before the read, so that bytes from the machine's last moments are still sent.
    bool running = vm->parts().machine->get() && vm->parts().machine->get()->running();
    ssize_t got = ::read(log.fd.get(), buffer.data(), buffer.size());
    if (got < 0) break;
    if (got > 0) {
      if (!co_await caller->write(buffer.substr(0, static_cast<std::size_t>(got)))) break;
      continue;
    }
    if (!follow || !running || context.cancel().requested()) break;
    // The daemon gets no event when the file grows. This pace is fast enough for a reader, and costs one read.
    co_await context.cancel().event().wait(host::after(limits::kLogPoll));
  }
  caller->shutdown_write();
  co_return Json();
}

constexpr Handler kHandlers[] = {
    {"vm.exec", exec},           {"vm.put_files", put_files},     {"vm.get_files", get_files},
    {"vm.stat_file", stat_file}, {"vm.report_tree", report_tree}, {"vm.logs", logs},
};

}  // namespace

std::span<const Handler> file_handlers() { return kHandlers; }

}  // namespace banger::roles::daemon
