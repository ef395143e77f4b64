// banger vm session signal
#include <fmt/format.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr int kLastNamed = 31, kLast = 64;
constexpr Positional kPositionals[] = {
    kVmArgument, kLiveSessionArgument, {.name = "SIGNAL", .help = "a name or a number, like HUP, SIGUSR1 or 2"}};

// Both ends are Linux on the same architecture, so the numbers are the same.
Result<int> signal_number(std::string_view text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && number >= 1 && number <= kLast) return number;
  std::string name(text);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string_view bare = name;
  if (bare.starts_with("SIG")) bare.remove_prefix(3);
  for (int each = 1; each <= kLastNamed; ++each)
    if (const char* known = ::sigabbrev_np(each); known && bare == known) return each;
  return fail(ErrorCode::invalid, fmt::format("'{}' is no signal", printable(text, 80)), "give a name like TERM");
}

Result<int> signal(Context& context) {
  auto params = session_params(context);
  params["signal"] = TRY(signal_number(context.args.positionals[2]));
  auto daemon = TRY(Daemon::connect(context.io));
  TRY(daemon.call("vm.session.signal", params));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionSignal;
constinit const Command kSessionSignal{
    .group = "vm session",
    .name = "signal",
    .summary = "send a signal to a session",
    .details = "In a session with a terminal, the foreground gets the signal, as with ctrl-c.",
    .positionals = kPositionals,
    .handler = signal,
};

}  // namespace banger::roles::cli
