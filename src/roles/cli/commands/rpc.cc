// banger rpc
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "METHOD", .help = "as vm.list"},
    {.name = "JSON", .help = "its parameters, an object", .required = false},
};
constexpr Example kExamples[] = {{"banger rpc vm.show '{\"vm\": \"web\"}'", ""}};

Result<int> run(Context& context) {
  auto& io = context.io;
  Json params = Json::object();
  if (context.args.positionals.size() > 1) {
    auto parsed = parse_json(context.args.positionals[1], limits::kRpcMessageBytes);
    if (!parsed || !parsed->is_object())
      return context.usage("the parameters are no JSON object", "write them like '{\"vm\": \"web\"}'");
    params = std::move(*parsed);
  }
  auto daemon = TRY(Daemon::connect(io));
  io.print(dump_json_pretty(TRY(daemon.call(context.args.positionals[0], params))) + "\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kRpc;
constinit const Command kRpc{
    .name = "rpc",
    .summary = "call one of the daemon's methods",
    .details = "docs/rpc.md lists them. Of a stream call only the answer is printed.",
    .positionals = kPositionals,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
