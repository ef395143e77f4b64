#include "roles/gate/methods.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/gate/bounds.h"

namespace banger::roles::gate {

namespace {

using Answer = Task<Result<Json>>;

Answer info(Methods& methods, const Json&, rpc::CallContext&) {
  const auto& ports = methods.ports;
  co_return Json{{"place", methods.place},
                 {"pid", ::getpid()},
                 {"tcp", ports.tcp},
                 {"names_udp", ports.names_udp},
                 {"names_tcp", ports.names_tcp}};
}

Answer set(Methods& methods, const Json& params, rpc::CallContext&) {
  auto vm = CO_TRY(get_string(params, "vm"));
  auto address = CO_TRY(net::parse_ipv4(CO_TRY(get_string(params, "address"))));
  auto policy = CO_TRY(egress::policy_from_json(params.value("policy", Json())));
  CO_TRY(methods.guests.set(vm, address, std::move(policy)));
  co_return Json::object();
}

Answer set_host(Methods& methods, const Json& params, rpc::CallContext&) {
  std::vector<net::Ipv4> addresses;
  for (const auto& text : CO_TRY(find_strings(params, "addresses"))) addresses.push_back(CO_TRY(net::parse_ipv4(text)));
  methods.guests.set_host(std::move(addresses));
  co_return Json::object();
}

Answer clear(Methods& methods, const Json& params, rpc::CallContext&) {
  methods.guests.clear(CO_TRY(get_string(params, "vm")));
  co_return Json::object();
}

Answer forget(Methods& methods, const Json& params, rpc::CallContext&) {
  methods.guests.forget(CO_TRY(get_string(params, "vm")));
  co_return Json::object();
}

Result<std::uint64_t> sequence_in(const Json& params, std::string_view name) {
  auto number = TRY(get_int(params, name));
  if (number < 0) return fail(ErrorCode::invalid, "a sequence is not negative");
  return static_cast<std::uint64_t>(number);
}

// The guest chooses the names, so rows may be long. The oldest changes come first, as many as fit into an answer.
Answer log(Methods& methods, const Json& params, rpc::CallContext&) {
  auto since = CO_TRY(sequence_in(params, "since"));
  auto guest = methods.guests.find(CO_TRY(get_string(params, "vm")));
  Json answer = {{"rows", Json::array()}, {"sequence", since}, {"forgotten", 0}, {"more", false}};
  if (!guest) co_return answer;
  answer["forgotten"] = guest->log().forgotten();
  std::size_t bytes = 0;
  for (const auto& row : guest->log().since(since)) {
    auto json = egress::to_json(row);
    bytes += dump_json(json).size();
    if (bytes > limits::kGateLogBytes) {
      answer["more"] = true;
      co_return answer;
    }
    answer["rows"].push_back(std::move(json));
    answer["sequence"] = row.sequence;
  }
  co_return answer;
}

Answer refusals(Methods& methods, const Json& params, rpc::CallContext& context) {
  auto after = CO_TRY(sequence_in(params, "after"));
  auto until = host::after(limits::kRefusalPatience);
  auto found = methods.guests.refusals_after(after);
  while (found.empty() && !context.cancel().requested()) {
    if (!co_await methods.guests.refused().wait(until)) break;
    found = methods.guests.refusals_after(after);
  }
  Json list = Json::array();
  for (const auto& refusal : found)
    list.push_back({{"sequence", refusal.sequence}, {"vm", refusal.vm_id}, {"sentence", refusal.sentence}});
  co_return Json{{"refusals", std::move(list)}};
}

Task<> stop_soon(host::Runtime& runtime) {
  co_await runtime.sleep_for(limits::kAnswerPause);
  runtime.stop();
}

Answer end(Methods& methods, const Json&, rpc::CallContext&) {
  methods.runtime.spawn(stop_soon(methods.runtime));
  co_return Json::object();
}

struct Named {
  const char* name;
  Answer (*function)(Methods&, const Json&, rpc::CallContext&);
};
constexpr Named kMethods[] = {{"gate.info", info},         {"gate.set", set},       {"gate.clear", clear},
                              {"gate.log", log},           {"gate.host", set_host}, {"gate.end", end},
                              {"gate.refusals", refusals}, {"gate.forget", forget}};

}  // namespace

void add_methods(rpc::Server& server, Methods& methods) {
  for (const auto& [name, function] : kMethods)
    server.add(name, [&methods, function](const Json& params, rpc::CallContext& context) {
      return function(methods, params, context);
    });
}

}  // namespace banger::roles::gate
