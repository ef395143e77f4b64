#include "roles/cli/fan_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "rpc/bounds.h"

namespace banger::roles::cli {

namespace {

std::vector<std::string> each_once(const std::vector<std::string>& names) {
  std::vector<std::string> once;
  for (const auto& name : names)
    if (std::ranges::find(once, name) == once.end()) once.push_back(name);
  return once;
}

// Prints one line for each outcome. Each line names the VM.
class Lines {
 public:
  Lines(Io& io, const Describe& describe) : io_(io), describe_(describe) {}

  void done(const std::string& vm, const Json& result) {
    auto name = text_of(result, "name");
    io_.print(fmt::format("{}: {}\n", safe_text(name.empty() ? vm : name), safe_text(describe_(result))));
  }
  void failed(const std::string& vm, const Error& error) {
    any_failed_ = true;
    auto text = safe_text(error.sentence());
    io_.note(text.find(vm) == text.npos ? fmt::format("{}: {}", vm, text) : text);
  }
  int status() const { return any_failed_ ? exit_status::kFailed : exit_status::kOk; }

 private:
  Io& io_;
  const Describe& describe_;
  bool any_failed_ = false;
};

Json with(Json params, std::string_view key, const std::string& value) {
  params[std::string(key)] = value;
  return params;
}

}  // namespace

Result<int> fan_out(Context& context, std::string_view method, const Json& params, const Describe& describe,
                    std::string_view key) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto vms = each_once(context.args.positionals);
  Lines lines(context.io, describe);
  if (vms.size() == 1) {
    lines.done(vms[0], TRY(daemon.call(method, with(params, key, vms[0]))));
    return lines.status();
  }
  std::map<std::int64_t, std::string> waiting;
  for (std::size_t next = 0; next < vms.size() || !waiting.empty();) {
    while (next < vms.size() && waiting.size() < limits::kRpcInFlight) {
      auto id = TRY(daemon.client().send(method, with(params, key, vms[next])));
      waiting[id] = vms[next++];
    }
    auto reply = TRY(daemon.client().receive(daemon.signals().fd()));
    if (reply.kind == rpc::Reply::Kind::progress || !reply.id.is_number_integer()) continue;
    auto it = waiting.find(reply.id.get<std::int64_t>());
    if (it == waiting.end()) continue;
    if (reply.kind == rpc::Reply::Kind::result)
      lines.done(it->second, reply.result);
    else
      lines.failed(it->second, reply.error);
    waiting.erase(it);
  }
  return lines.status();
}

}  // namespace banger::roles::cli
