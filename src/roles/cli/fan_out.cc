#include "roles/cli/fan_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/objects/vm.h"
#include "image/kernel/store.h"
#include "roles/cli/arguments.h"
#include "roles/cli/output.h"
#include "rpc/bounds.h"

namespace banger::roles::cli {

namespace {

// Prints one line for each outcome. Each line names its positional or the thing. With --json, the results are one array
// at the end, in the order of the command line.
class Outcomes {
 public:
  Outcomes(Io& io, Form form, const Describe& describe) : io_(io), form_(form), describe_(describe) {}

  Result<> done(const std::string& positional, const Json& result) {
    auto line = TRY(describe_(result));
    if (form_ == Form::json) {
      results_[positional] = result;
      return {};
    }
    const auto& name = line.name.empty() ? positional : line.name;
    io_.print(fmt::format("{}: {}\n", safe_text(name), safe_text(line.text)));
    return {};
  }
  void print_results(const std::vector<std::string>& positionals) {
    if (form_ != Form::json) return;
    Json array = Json::array();
    for (const auto& name : positionals)
      if (auto found = results_.find(name); found != results_.end()) array.push_back(found->second);
    print_json(io_, array);
  }
  void failed(const std::string& positional, const Error& error) {
    any_failed_ = true;
    auto text = safe_text(error.sentence());
    io_.note(text.find(positional) == text.npos ? fmt::format("{}: {}", positional, text) : text);
  }
  int status() const { return any_failed_ ? exit_status::kFailed : exit_status::kOk; }

 private:
  Io& io_;
  Form form_;
  const Describe& describe_;
  std::map<std::string, Json> results_;
  bool any_failed_ = false;
};

// The sentence of a progress line that is a warning.
std::optional<std::string> warning_in(const Json& progress) {
  auto stage = get_string(progress, "stage");
  if (!stage || *stage != image::kWarningStage) return std::nullopt;
  return get_string(progress, "detail").value_or("");
}

Json with(Json params, std::string_view key, const std::string& value) {
  params[std::string(key)] = value;
  return params;
}

}  // namespace

std::vector<std::string> each_once(const std::vector<std::string>& names) {
  std::vector<std::string> once;
  for (const auto& name : names)
    if (std::ranges::find(once, name) == once.end()) once.push_back(name);
  return once;
}

Result<> call_all(Daemon& daemon, const Calls& calls, const std::vector<std::string>& names, const Json& params,
                  const Arrived& done, const Warned& warned) {
  std::map<std::int64_t, std::string> waiting;
  for (std::size_t next = 0; next < names.size() || !waiting.empty();) {
    while (next < names.size() && waiting.size() < limits::kRpcInFlight) {
      auto id = TRY(daemon.client().send(calls.method, with(params, calls.key, names[next])));
      waiting[id] = names[next++];
    }
    auto reply = TRY(daemon.client().receive(daemon.signals().fd()));
    if (!reply.id.is_number_integer()) continue;
    auto it = waiting.find(reply.id.get<std::int64_t>());
    if (it == waiting.end()) continue;
    if (reply.kind == rpc::Reply::Kind::progress) {
      if (auto warning = warning_in(reply.result); warning && warned) warned(it->second, *warning);
      continue;
    }
    bool failed = reply.kind == rpc::Reply::Kind::error;
    TRY(done(it->second, failed ? Result<Json>(std::unexpected(reply.error)) : Result<Json>(reply.result)));
    waiting.erase(it);
  }
  return {};
}

Result<int> call_each(Context& context, const Calls& calls, const Json& params, const Describe& describe) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto names = each_once(context.args.positionals);
  Outcomes outcomes(context.io, form_of(context.args), describe);
  if (names.size() == 1) {
    TRY(outcomes.done(names[0], TRY(daemon.call(calls.method, with(params, calls.key, names[0])))));
    outcomes.print_results(names);
    return outcomes.status();
  }
  auto arrived = [&](const std::string& name, Result<Json> outcome) -> Result<> {
    auto done = outcome ? outcomes.done(name, *outcome) : std::unexpected(std::move(outcome).error());
    if (!done) outcomes.failed(name, done.error());
    return {};
  };
  auto warned = [&](const std::string& name, const std::string& warning) {
    context.io.note(safe_text(fmt::format("{}: warning: {}", name, warning)));
  };
  TRY(call_all(daemon, calls, names, params, arrived, warned));
  outcomes.print_results(names);
  return outcomes.status();
}

Result<std::vector<api::VmObject>> all_vms(Io& io) {
  auto daemon = TRY(Daemon::connect(io));
  return TRY(daemon.get<api::VmList>("vm.list")).vms;
}

Result<int> change_vms(Context& context, std::string_view method, std::initializer_list<vm::State> all,
                       const Json& params) {
  if (auto mistake = check_vms_or_all(context)) return *mistake;
  if (context.args.flag("all"))
    for (const auto& vm : TRY(all_vms(context.io)))
      if (std::ranges::find(all, vm.state) != all.end()) context.args.positionals.push_back(vm.id);
  return fan_out<api::VmObject>(context, {.method = method}, params, [&context](const auto& vm) {
    if (vm.forced) context.io.note(safe_text(fmt::format("{}: {}", vm.name, *vm.forced)));
    return std::string(vm::to_string(vm.state));
  });
}

Result<int> change_vms(Context& context, std::string_view method, std::initializer_list<vm::State> all) {
  return change_vms(context, method, all, Json::object());
}

}  // namespace banger::roles::cli
