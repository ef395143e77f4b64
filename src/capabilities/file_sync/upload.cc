#include "capabilities/file_sync/upload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/bounds.h"
#include "base/json.h"
#include "base/text.h"
#include "capabilities/bounds.h"
#include "link/bounds.h"

namespace banger::capabilities {

namespace {

/// One request. Whoever waits at its stream goes on when the guard takes the stream away.
struct Upload {
  std::unique_ptr<link::ClientStream> stream;
  bool done = false;
  std::optional<Error> ended;

  std::unexpected<Error> reason(Error otherwise) const {
    return std::unexpected(ended ? *ended : std::move(otherwise));
  }
};
using UploadPtr = std::shared_ptr<Upload>;

// A guest may read slowly on purpose, and stays alive for its PINGs.
Task<> guard(host::Runtime& runtime, UploadPtr upload, std::function<bool()> given_up) {
  auto deadline = host::after(limits::kSyncDeadline);
  while (!upload->done) {
    bool late = host::Clock::now() >= deadline;
    if (late || given_up()) {
      upload->ended = late ? Error{ErrorCode::timeout, "the guest did not take the files in time"}
                           : Error{ErrorCode::cancelled, "cancelled"};
      upload->stream.reset();
      co_return;
    }
    co_await runtime.sleep_for(limits::kSyncPoll);
  }
}

Task<Result<>> send_all(UploadPtr upload, int tar) {
  std::string buffer(limits::kSyncChunkBytes, '\0');
  while (upload->stream) {
    ssize_t got = ::read(tar, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) co_return fail_errno("read a packed entry");
    if (got == 0) break;
    // A guest that refuses the upload answers early. Its answer has the reason.
    if (!co_await upload->stream->write(buffer.substr(0, static_cast<std::size_t>(got)))) break;
  }
  if (upload->stream) (void)co_await upload->stream->finish();
  co_return Result<>{};
}

Task<Result<std::string>> read_answer(UploadPtr upload) {
  std::string body;
  while (upload->stream && body.size() < limits::kLinkJsonBytes) {
    auto more = CO_TRY(co_await upload->stream->read());
    if (more.empty()) break;
    body += more;
  }
  co_return body;
}

NotUnpacked left_out_of(const std::string& body) {
  NotUnpacked list;
  auto json = parse_json(body, limits::kLinkJsonBytes);
  const Json* items = json ? find_field(*json, "left_out") : nullptr;
  if (!items || !items->is_array()) return list;
  for (const auto& item : *items) {
    auto path = get_string(item, "path"), reason = get_string(item, "reason");
    if (path && reason) list.emplace_back(printable(*path, limits::kPathBytes), printable(*reason));
  }
  return list;
}

Task<Result<NotUnpacked>> exchange(UploadPtr upload, int tar) {
  CO_TRY(co_await send_all(upload, tar));
  if (!upload->stream) co_return upload->reason({ErrorCode::internal, "the upload has no stream"});
  int status = CO_TRY(co_await upload->stream->status(host::Deadline::max()));
  auto body = CO_TRY(co_await read_answer(upload));
  if (status >= 400) co_return std::unexpected(link::guest_error(status, body));
  co_return left_out_of(body);
}

}  // namespace

Task<Result<NotUnpacked>> upload_entry(host::Runtime& runtime, link::Client& client, int tar, std::string top,
                                       std::function<bool()> given_up) {
  auto path = fmt::format("/files?path=/root&owner=root&attributes=new&only={}", link::percent_encode(top));
  auto upload = std::make_shared<Upload>();
  upload->stream =
      CO_TRY(co_await client.open({.method = "PUT", .path = path, .headers = {}, .on_silence = link::OnSilence::end}));
  runtime.spawn(guard(runtime, upload, std::move(given_up)));
  auto answer = co_await exchange(upload, tar);
  upload->done = true;
  upload->stream.reset();
  if (!answer) co_return upload->reason(std::move(answer.error()));
  co_return answer;
}

}  // namespace banger::capabilities
