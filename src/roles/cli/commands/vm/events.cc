// banger vm events
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/event.h"
#include "base/bounds.h"
#include "base/text.h"
#include "roles/cli/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/log_stream.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "VM",
     .help = "names, ids or unique id prefixes (default: all VMs)",
     .names = Names::vm,
     .required = false,
     .repeated = true},
};
constexpr Option kOptions[] = {
    {.name = "since",
     .kind = Kind::duration,
     .value = "TIME",
     .help = "also print the events of the last time, like 10m, as far as the daemon still has them"},
    {.name = "json", .help = "print one JSON object a line"},
};
constexpr Example kExamples[] = {
    {"banger vm events", "what happens from now on"},
    {"banger vm events web --json | jq --unbuffered -r .event", "for programs"},
};

std::string text_of(const api::EventObject& event) {
  auto text = fmt::format("{}  {}  {}", time_of(event.time_ms / 1000), event.name, event.event);
  if (event.event == "missed") text = fmt::format("{}  missed", time_of(event.time_ms / 1000));
  if (event.event == "current") text += fmt::format(" ({})", event.state);
  if (!event.detail.empty()) text += fmt::format(" ({})", event.detail);
  return safe_text(text) + "\n";
}

/// Prints the lines of the stream.
class Printer {
 public:
  Printer(Io& io, Form form) : io_(io), form_(form) {}

  Result<> feed(std::string_view bytes) {
    rest_ += bytes;
    for (auto end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n')) {
      TRY(print(rest_.substr(0, end)));
      rest_.erase(0, end + 1);
    }
    if (rest_.size() > limits::kRpcMessageBytes) return fail(ErrorCode::corrupt, "the daemon sent an endless event");
    return {};
  }
  /// The last event says that its VM is gone.
  bool ended_with_deletion() const { return last_ == "deleted"; }

 private:
  Result<> print(const std::string& line) {
    auto event = TRY(api::read<api::EventObject>(TRY(parse_json(line, limits::kRpcMessageBytes))));
    io_.print(form_ == Form::json ? line + "\n" : text_of(event));
    last_ = event.event;
    return {};
  }

  Io& io_;
  Form form_;
  std::string rest_, last_;
};

Result<int> events(Context& context) {
  const auto& args = context.args;
  Json params = Json::object();
  if (!args.positionals.empty()) params["vms"] = args.positionals;
  if (auto since = args.number("since")) params["since_ms"] = *since;
  auto daemon = TRY(Daemon::connect(context.io));
  auto stream = TRY(daemon.open_stream("vm.events", params));
  Printer printer(context.io, form_of(args));
  TRY(printer.feed(stream.first_bytes));
  auto print = [&](std::string_view bytes) -> Result<bool> {
    TRY(printer.feed(bytes));
    return false;
  };
  auto end = TRY(read_stream(context.io, stream.socket.get(), daemon.signals(), "events", print));
  if (end == StreamEnd::interrupted) return exit_status::kInterrupted;
  if (context.io.out_errno != 0 || (!args.positionals.empty() && printer.ended_with_deletion()))
    return exit_status::kOk;
  return fail(ErrorCode::unavailable, "the daemon has ended, and its events with it",
              "the next command starts a daemon; then run 'banger vm events' again");
}

}  // namespace

extern const Command kVmEvents;
constinit const Command kVmEvents{
    .group = "vm",
    .name = "events",
    .summary = "print what happens to VMs, until interrupted",
    .details =
        "The first lines have the present state of each VM ('current'). One line follows for each event: created, "
        "starting, running, resumed, ready, stopping, stopped, suspending, suspended, restored, forked, renamed, "
        "changed, paused, silent, refused, deleted and their like, with a reason where there is one. docs/rpc.md "
        "describes the "
        "JSON.\n"
        "The daemon has the last events in memory only. If nobody reads what is printed, events are dropped, and a "
        "line 'missed' has their number.\n"
        "With VMs named, the command ends when all of them are deleted.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = events,
};

}  // namespace banger::roles::cli
