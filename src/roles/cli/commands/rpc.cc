// banger rpc
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/method.h"
#include "base/bounds.h"
#include "base/byte_string.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/rpc_page.h"
#include "roles/cli/rpc_schema.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {
    {.name = "METHOD",
     .help = "the method, like vm.list (default: list the methods)",
     .names = Names::method,
     .required = false},
    {.name = "PARAMETER",
     .help = "KEY=VALUE for each parameter, or all of them as one JSON object",
     .names = Names::parameter,
     .required = false,
     .repeated = true},
};
constexpr Option kOptions[] = {
    {.name = "markdown", .help = "print docs/rpc.md"},
    {.name = "schema", .help = "print the methods and their objects as JSON, for programs that generate clients"},
};
constexpr Example kExamples[] = {
    {"banger rpc vm.show vm=web", ""},
    {"banger rpc vm.show '{\"vm\": \"web\"}'", "the same"},
};

api::Type type_of(std::string_view method, std::string_view key) {
  if (const auto* found = api::find_method(method))
    for (const auto& parameter : found->parameters)
      if (parameter.name == key) return parameter.type;
  return api::Type::text;
}

// Texts need no quotes. Every other value is JSON. A value that is not JSON is sent as text, and the daemon refuses it.
Json value_of(std::string_view method, std::string_view key, const std::string& value) {
  auto type = type_of(method, key);
  if (type == api::Type::bytes) return to_byte_string(value);
  if (type == api::Type::text || type == api::Type::path) return value;
  auto parsed = parse_json(value, limits::kRpcMessageBytes);
  return parsed ? std::move(*parsed) : Json(value);
}

// Null when the words are neither KEY=VALUE nor a JSON object.
Json params_of(std::span<const std::string> words) {
  Json params = Json::object();
  auto method = words.front();
  if (words.size() == 2 && words[1].starts_with('{'))
    return parse_json(words[1], limits::kRpcMessageBytes).value_or(Json());
  for (const auto& word : words.subspan(1)) {
    auto equals = word.find('=');
    if (equals == word.npos) return {};
    auto key = word.substr(0, equals);
    params[key] = value_of(method, key, word.substr(equals + 1));
  }
  return params;
}

Table list_of_methods() {
  Table table({"METHOD", "EFFECT"});
  for (const auto* group : api::groups())
    for (const auto& method : group->methods) table.add({std::string(method.name), std::string(method.summary)});
  return table;
}

Result<int> run(Context& context) {
  auto& io = context.io;
  const auto& words = context.args.positionals;
  if (context.args.flag("schema")) {
    print_json(io, rpc_schema());
    return exit_status::kOk;
  }
  if (context.args.flag("markdown") || words.empty()) {
    io.print(context.args.flag("markdown") ? rpc_page() : list_of_methods().text(colours_of(context)));
    return exit_status::kOk;
  }
  auto params = params_of(words);
  if (!params.is_object())
    return context.usage("the parameters are neither KEY=VALUE nor a JSON object", "write parameters like vm=web");
  auto daemon = TRY(Daemon::connect(io));
  print_json(io, TRY(daemon.call(words[0], params)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kRpc;
constinit const Command kRpc{
    .name = "rpc",
    .summary = "call one of the daemon's methods",
    .details = "docs/rpc.md describes the methods. For a stream call, only the answer is printed.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .handler = run,
};

}  // namespace banger::roles::cli
