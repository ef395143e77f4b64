// banger vm session send
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "roles/cli/arguments.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, kLiveSessionArgument};
constexpr Option kOptions[] = {
    {.name = "close", .help = "end the session's input afterwards"},
    {.name = "no-newline", .letter = 'n', .help = "do not add a newline to TEXT"},
};
constexpr Example kExamples[] = {
    {"banger vm session send web planner -- go on", "one line"},
    {"banger vm session send web planner <plan.txt", "all bytes of a file"},
};

Result<> send_bytes(Daemon& daemon, Json params, std::string_view bytes) {
  params["data"] = to_base64(bytes);
  TRY(daemon.call("vm.session.send", params));
  return {};
}

std::string text_of(const Args& args) {
  std::string text;
  for (const auto& word : args.words) text += (text.empty() ? "" : " ") + word;
  return args.flag("no-newline") ? text : text + "\n";
}

// Reads standard input to its end.
Result<> send_input(Context& context, Daemon& daemon, const Json& params) {
  std::string chunk(limits::kSessionSendBytes, '\0');
  for (;;) {
    auto got = ::read(context.io.in, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read standard input");
    if (got == 0) return {};
    TRY(send_bytes(daemon, params, std::string_view(chunk).substr(0, static_cast<std::size_t>(got))));
  }
}

Result<int> send(Context& context) {
  const auto& args = context.args;
  auto daemon = TRY(Daemon::connect(context.io));
  auto params = session_params(context);
  auto text = text_of(args);
  for (std::string_view rest = text; !args.words.empty() && !rest.empty();) {
    TRY(send_bytes(daemon, params, rest.substr(0, limits::kSessionSendBytes)));
    rest.remove_prefix(std::min(rest.size(), limits::kSessionSendBytes));
  }
  bool only_close = args.flag("close") && ::isatty(context.io.in);
  if (args.words.empty() && !only_close) TRY(send_input(context, daemon, params));
  if (args.flag("close")) {
    params["close"] = true;
    TRY(daemon.call("vm.session.send", params));
  }
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionSend;
constinit const Command kSessionSend{
    .group = "vm session",
    .name = "send",
    .summary = "send input to a session without attaching to it",
    .details =
        "Sends TEXT and a newline, or without TEXT the whole standard input. Returns when the input waits for the "
        "command, which may read it later. A client that is attached is not disturbed.",
    .positionals = kPositionals,
    .options = kOptions,
    .words = "TEXT...",
    .words_follow = true,
    .examples = kExamples,
    .handler = send,
};

}  // namespace banger::roles::cli
