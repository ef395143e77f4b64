#include "roles/gate/methods.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "roles/gate/bounds.h"

namespace banger::roles::gate {

namespace {

// JSON stays in plain functions. In coroutines its code is several times as large.

Result<Json> info(Methods& methods, const Json&) {
  const auto& ports = methods.ports;
  return Json{{"place", methods.place},
              {"pid", ::getpid()},
              {"tcp", ports.tcp},
              {"names_udp", ports.names_udp},
              {"names_tcp", ports.names_tcp}};
}

void fill(egress::Secrets& secrets, const Methods& methods, const std::string& vm_id) {
  if (auto guest = methods.guests.find(vm_id)) secrets.fill_from(guest->secrets());
}

Result<Json> set(Methods& methods, const Json& params) {
  auto vm = TRY(get_string(params, "vm"));
  auto address = TRY(net::parse_ipv4(TRY(get_string(params, "address"))));
  auto policy = TRY(egress::policy_from_json(params.value("policy", Json())));
  auto secrets = TRY(egress::Secrets::from_json(find_field(params, "secrets")));
  // A new daemon lacks values that an earlier one had from its clients. A child of a fork has those of its parent.
  fill(secrets, methods, vm);
  if (auto like = TRY(find_string(params, "like"))) fill(secrets, methods, *like);
  Json answer = {{"missing", secrets.missing()}};
  TRY(methods.guests.set(vm, address, std::move(policy), std::move(secrets)));
  return answer;
}

Result<Json> set_authority(Methods& methods, const Json& params) {
  methods.guests.tls().issuer = TRY(
      certs::Issuer::make({.key_pem = TRY(get_string(params, "key")), .subject = TRY(get_string(params, "subject"))}));
  return Json::object();
}

Result<Json> set_trust(Methods& methods, const Json& params) {
  methods.guests.tls().trust = TRY(certs::Trust::make(TRY(get_string(params, "authorities"))));
  return Json::object();
}

Result<Json> set_host(Methods& methods, const Json& params) {
  std::vector<net::Ipv4> addresses;
  for (const auto& text : TRY(find_strings(params, "addresses"))) addresses.push_back(TRY(net::parse_ipv4(text)));
  methods.guests.set_host(std::move(addresses));
  return Json::object();
}

Result<Json> clear(Methods& methods, const Json& params) {
  methods.guests.clear(TRY(get_string(params, "vm")));
  return Json::object();
}

Result<Json> forget(Methods& methods, const Json& params) {
  methods.guests.forget(TRY(get_string(params, "vm")));
  return Json::object();
}

Result<std::uint64_t> sequence_in(const Json& params, std::string_view name) {
  auto number = TRY(get_int(params, name));
  if (number < 0) return fail(ErrorCode::invalid, "a sequence is not negative");
  return static_cast<std::uint64_t>(number);
}

// The guest chooses the names, so rows may be long. The oldest changes come first, as many as fit into an answer.
Result<Json> log(Methods& methods, const Json& params) {
  auto since = TRY(sequence_in(params, "since"));
  auto guest = methods.guests.find(TRY(get_string(params, "vm")));
  Json answer = {{"rows", Json::array()}, {"sequence", since}, {"forgotten", 0}, {"more", false}};
  if (!guest) return answer;
  answer["forgotten"] = guest->log().forgotten();
  std::size_t bytes = 0;
  for (const auto& row : guest->log().since(since)) {
    auto json = egress::to_json(row);
    bytes += dump_json(json).size();
    if (bytes > limits::kGateLogBytes) {
      answer["more"] = true;
      return answer;
    }
    answer["rows"].push_back(std::move(json));
    answer["sequence"] = row.sequence;
  }
  return answer;
}

// -- what waits

Json list_of(const std::vector<Refusal>& refusals) {
  Json list = Json::array();
  for (const auto& refusal : refusals)
    list.push_back({{"sequence", refusal.sequence}, {"vm", refusal.vm_id}, {"sentence", refusal.sentence}});
  return {{"refusals", std::move(list)}};
}

Task<Result<Json>> refusals(Methods& methods, const Json& params, rpc::CallContext& context) {
  auto after = CO_TRY(sequence_in(params, "after"));
  auto until = host::after(limits::kRefusalPatience);
  auto found = methods.guests.refusals_after(after);
  while (found.empty() && !context.cancel().requested()) {
    if (!co_await methods.guests.refused().wait(until)) break;
    found = methods.guests.refusals_after(after);
  }
  co_return list_of(found);
}

Task<> stop_soon(host::Runtime& runtime) {
  co_await runtime.sleep_for(limits::kAnswerPause);
  runtime.stop();
}

Result<Json> end(Methods& methods, const Json&) {
  methods.runtime.spawn(stop_soon(methods.runtime));
  return Json::object();
}

using Function = Result<Json> (*)(Methods&, const Json&);
constexpr std::pair<const char*, Function> kFunctions[] = {
    {"gate.info", info},       {"gate.set", set},       {"gate.authority", set_authority},
    {"gate.trust", set_trust}, {"gate.host", set_host}, {"gate.clear", clear},
    {"gate.forget", forget},   {"gate.log", log},       {"gate.end", end}};

Task<Result<Json>> answer(Methods& methods, Function function, const Json& params) {
  co_return function(methods, params);
}

}  // namespace

void add_methods(rpc::Server& server, Methods& methods) {
  for (const auto& [name, function] : kFunctions)
    server.add(name, [&methods, function](const Json& params, rpc::CallContext&) {
      return answer(methods, function, params);
    });
  server.add("gate.refusals",
             [&methods](const Json& params, rpc::CallContext& context) { return refusals(methods, params, context); });
}

}  // namespace banger::roles::gate
