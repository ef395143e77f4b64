#include "net/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "net/addresses.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

constexpr const char* kTable = "banger";
/// A priority before that of destination NAT (-100), so that no other program sends a gated guest's packets elsewhere.
constexpr int kBeforeOthers = -110;

Json whole(Json commands) { return {{"nftables", std::move(commands)}}; }
Json add(const char* kind, Json what) { return {{"add", {{kind, std::move(what)}}}}; }

// -- expressions

Json meta(const char* key) { return {{"meta", {{"key", key}}}}; }
Json ct(const char* key) { return {{"ct", {{"key", key}}}}; }
Json payload(const char* protocol, const char* field) {
  return {{"payload", {{"protocol", protocol}, {"field", field}}}};
}
Json concat(Json parts) { return {{"concat", std::move(parts)}}; }
Json match(Json left, Json right, const char* op = "==") {
  return {{"match", {{"op", op}, {"left", std::move(left)}, {"right", std::move(right)}}}};
}
Json verdict(const char* name) { return {{name, nullptr}}; }
// Programs in the guest then do not wait for an answer.
Json reject() { return {{"reject", {{"type", "icmp"}, {"expr", "admin-prohibited"}}}}; }
Json jump(const char* chain) { return {{"jump", {{"target", chain}}}}; }
Json mangle(Json key, std::string_view value) { return {{"mangle", {{"key", std::move(key)}, {"value", value}}}}; }
Json prefix(const char* address, int bits) { return {{"prefix", {{"addr", address}, {"len", bits}}}}; }

// No first packet of a connection has this flag.
Json acknowledges() { return match({{"&", {payload("tcp", "flags"), "ack"}}}, "ack"); }

// -- our chains

// A vector, because a Json list with one element would become that element.
Json rule(const char* family, const char* chain, std::vector<Json> expressions) {
  return add("rule", {{"family", family}, {"table", kTable}, {"chain", chain}, {"expr", std::move(expressions)}});
}

void add_chain(Json& to, const char* family, const char* name, const char* type, const char* hook, int priority) {
  Json chain = {{"family", family}, {"table", kTable}, {"name", name}};
  Json whole_chain = chain;
  whole_chain.update({{"type", type}, {"hook", hook}, {"prio", priority}, {"policy", "accept"}});
  to.push_back(add("chain", std::move(whole_chain)));
  to.push_back({{"flush", {{"chain", std::move(chain)}}}});
}

// Rules that others add to a chain without a hook stay.
void add_plain_chain(Json& to, const char* family, const char* name) {
  to.push_back(add("chain", {{"family", family}, {"table", kTable}, {"name", name}}));
}

void add_address_set(Json& to, const char* family, const char* name) {
  to.push_back(add("set", {{"family", family}, {"table", kTable}, {"name", name}, {"type", "ipv4_addr"}}));
}

// -- bandwidth

/// One direction of all taps: a map from taps with a limit to the limits.
struct Direction {
  const char* map;
  const char* side;
};
constexpr Direction kDirections[] = {{"ratefrom", "iifname"}, {"rateto", "oifname"}};

void add_rate_maps(Json& to) {
  for (const auto& [map, side] : kDirections)
    to.push_back(
        add("map", {{"family", "bridge"}, {"table", kTable}, {"name", map}, {"type", "ifname"}, {"map", "limit"}}));
}

// A tap that is not in the map passes.
Json drop_over_rate(const Direction& direction, const char* chain) {
  Json tap_of_map = {{"key", meta(direction.side)}, {"data", std::string("@") + direction.map}};
  Json over = {{"limit", {{"map", std::move(tap_of_map)}}}};
  return rule("bridge", chain, {std::move(over), verdict("counter"), verdict("drop")});
}

// Beside what the rate gives for one second. A packet of a tap may have 64 KiB, and TCP needs some of them in a row.
std::uint64_t burst_of(std::uint64_t rate) {
  return std::clamp(rate / 8, limits::kLeastRateBurstBytes, limits::kMostRateBurstBytes);
}

// The kernel changes no limit in place.
void set_rates(Json& to, const GuestPort& guest) {
  for (const auto& direction : kDirections) {
    auto tap = tap_name(guest.tap), name = fmt::format("{}{}", direction.map, guest.tap);
    Json limit = {{"family", "bridge"}, {"table", kTable}, {"name", name}};
    Json whole_limit = limit;
    whole_limit.update({{"rate", std::max<std::uint64_t>(guest.bandwidth, 1)},
                        {"per", "second"},
                        {"rate_unit", "bytes"},
                        {"burst", burst_of(guest.bandwidth)},
                        {"burst_unit", "bytes"},
                        {"inv", true}});
    auto element = [&](Json entry) -> Json {
      Json list = Json::array();
      list.push_back(std::move(entry));
      return {
          {"element", {{"family", "bridge"}, {"table", kTable}, {"name", direction.map}, {"elem", std::move(list)}}}};
    };
    auto entry = element(Json::array({tap, name}));
    to.push_back(add("limit", whole_limit));
    to.push_back({{"add", entry}});
    to.push_back({{"delete", element(tap)}});
    to.push_back({{"delete", {{"limit", std::move(limit)}}}});
    if (guest.bandwidth == 0) continue;
    to.push_back(add("limit", std::move(whole_limit)));
    to.push_back({{"add", std::move(entry)}});
  }
}

void add_bridge_table(Json& to) {
  to.push_back(add("table", {{"family", "bridge"}, {"name", kTable}}));
  to.push_back(add(
      "set",
      {{"family", "bridge"}, {"table", kTable}, {"name", "guests"}, {"type", {"ifname", "ether_addr", "ipv4_addr"}}}));
  add_address_set(to, "bridge", "gated");
  add_plain_chain(to, "bridge", "gate");
  add_rate_maps(to);
  add_chain(to, "bridge", "prerouting", "filter", "prerouting", -300);
  add_chain(to, "bridge", "postrouting", "filter", "postrouting", 0);
  auto from = [](const char* protocol, const char* mac, const char* address_of, const char* address) {
    return match(concat({meta("iifname"), payload(protocol, mac), payload(address_of, address)}), "@guests");
  };
  to.push_back(
      rule("bridge", "prerouting", {match(meta("iifname"), std::string(kTapPrefix) + "*", "!="), verdict("accept")}));
  to.push_back(drop_over_rate(kDirections[0], "prerouting"));
  to.push_back(drop_over_rate(kDirections[1], "postrouting"));
  Json is_ip = match(meta("protocol"), "ip"), of_guest = from("ether", "saddr", "ip", "saddr");
  Json is_gated = match(payload("ip", "saddr"), "@gated");
  // What others open to the guest is not the gate's.
  to.push_back(rule("bridge", "prerouting", {is_ip, of_guest, is_gated, acknowledges(), verdict("accept")}));
  to.push_back(rule("bridge", "prerouting", {is_ip, of_guest, is_gated, jump("gate")}));
  to.push_back(rule("bridge", "prerouting", {is_ip, is_gated, verdict("drop")}));
  to.push_back(rule("bridge", "prerouting", {is_ip, of_guest, verdict("accept")}));
  // In ARP, both the frame's addresses and the message's addresses must be the guest's own.
  to.push_back(rule("bridge", "prerouting",
                    {match(meta("protocol"), "arp"), from("ether", "saddr", "arp", "saddr ip"),
                     from("arp", "saddr ether", "arp", "saddr ip"), verdict("accept")}));
  to.push_back(rule("bridge", "prerouting", {verdict("drop")}));
}

Json lan_ranges() {
  Json ranges = Json::array();
  for (std::string_view cidr : kLanRanges) {
    auto slash = cidr.find('/');
    int bits = 0;
    std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits);
    ranges.push_back({{"prefix", {{"addr", cidr.substr(0, slash)}, {"len", bits}}}});
  }
  return {{"set", std::move(ranges)}};
}

void add_ip_table(Json& to, const std::string& bridge) {
  to.push_back(add("table", {{"family", "ip"}, {"name", kTable}}));
  for (const char* name : {"nat", "linklocal", "nolan", "gated", "gatedclosed", "ofhost"})
    add_address_set(to, "ip", name);
  add_plain_chain(to, "ip", "gate");
  add_chain(to, "ip", "prerouting", "nat", "prerouting", kBeforeOthers);
  add_chain(to, "ip", "postrouting", "nat", "postrouting", 100);
  add_chain(to, "ip", "forward", "filter", "forward", 0);
  add_chain(to, "ip", "input", "filter", "input", 0);
  Json from_guest = match(payload("ip", "saddr"), "@nat"), to_guest = match(payload("ip", "daddr"), "@nat");
  Json comes_in = match(meta("iifname"), bridge), goes_out = match(meta("oifname"), bridge);
  Json others_in = match(meta("iifname"), bridge, "!="), others_out = match(meta("oifname"), bridge, "!=");
  Json to_link_local = match(payload("ip", "daddr"), prefix("169.254.0.0", 16));
  Json not_allowed = match(payload("ip", "saddr"), "@linklocal", "!=");
  Json without_lan = match(payload("ip", "saddr"), "@nolan"), to_lan = match(payload("ip", "daddr"), lan_ranges());
  Json is_gated = match(payload("ip", "saddr"), "@gated");
  Json closed_is_gated = match(payload("ip", "saddr"), "@gatedclosed"), is_tcp = match(meta("l4proto"), "tcp");
  to.push_back(rule("ip", "prerouting", {comes_in, is_gated, jump("gate")}));
  to.push_back(rule("ip", "prerouting", {comes_in, closed_is_gated, is_tcp, to_link_local, not_allowed, jump("gate")}));
  to.push_back(rule("ip", "prerouting", {comes_in, closed_is_gated, is_tcp, without_lan, to_lan, jump("gate")}));
  to.push_back(rule("ip", "postrouting", {from_guest, others_out, {{"masquerade", nullptr}}}));
  to.push_back(rule("ip", "forward", {others_in, others_out, verdict("accept")}));
  // Only what the bridge's own table passes comes here from a gated guest, and what it has led to the bridge.
  to.push_back(rule("ip", "forward", {comes_in, goes_out, is_gated, is_tcp, acknowledges(), verdict("accept")}));
  to.push_back(rule("ip", "forward", {comes_in, is_gated, reject()}));
  to.push_back(rule("ip", "forward",
                    // matches only where br_netfilter shows bridged packets to this hook
                    {comes_in, goes_out, verdict("accept")}));
  to.push_back(rule("ip", "forward",
                    {goes_out, to_guest, match(ct("state"), {"established", "related"}, "in"), verdict("accept")}));
  to.push_back(rule("ip", "forward", {to_link_local, not_allowed, reject()}));
  to.push_back(rule("ip", "forward", {without_lan, to_lan, reject()}));
  to.push_back(rule("ip", "forward", {comes_in, match(payload("ip", "daddr"), "@ofhost"), reject()}));
  to.push_back(rule("ip", "forward", {comes_in, from_guest, verdict("accept")}));
  to.push_back(rule("ip", "forward", {verdict("drop")}));
  to.push_back(rule("ip", "input", {others_in, verdict("accept")}));
  to.push_back(rule("ip", "input", {is_gated, match(ct("status"), "dnat", "in"), verdict("accept")}));
  to.push_back(rule("ip", "input", {to_link_local, not_allowed, verdict("drop")}));
  to.push_back(rule("ip", "input", {from_guest, verdict("accept")}));
  to.push_back(rule("ip", "input", {match(ct("direction"), "reply"), verdict("accept")}));
  to.push_back(rule("ip", "input", {is_gated, reject()}));
  to.push_back(rule("ip", "input", {verdict("drop")}));
}

// -- elements

Json guest_element(const GuestPort& guest) {
  Json key = concat({tap_name(guest.tap), bridge_mac(guest.address), to_text(guest.address)});
  return {{"element", {{"family", "bridge"}, {"table", kTable}, {"name", "guests"}, {"elem", Json::array({key})}}}};
}

Json address_element(const char* family, const char* set, Ipv4 address) {
  return {
      {"element", {{"family", family}, {"table", kTable}, {"name", set}, {"elem", Json::array({to_text(address)})}}}};
}

// Adds the object first, because nft fails to delete a missing object.
void add_deletion(Json& to, const Json& object) {
  to.push_back({{"add", object}});
  to.push_back({{"delete", object}});
}

/// A set of the firewall, and whether the guest is in it.
struct Membership {
  const char* family;
  const char* set;
  bool member;
};

std::vector<Membership> memberships(const GuestPort& guest) {
  bool gated = guest.gated == Gated::all;
  return {{"bridge", "gated", gated},
          {"ip", "gated", gated},
          {"ip", "gatedclosed", guest.gated == Gated::closed},
          {"ip", "nat", guest.nat && !gated},
          {"ip", "linklocal", guest.link_local && !gated}};
}

// The gate serves all guests of the bridge, and its ports change only with its process.
void add_gate(Json& to, Ipv4 gate, const GatePorts& ports) {
  for (const char* family : {"bridge", "ip"})
    to.push_back({{"flush", {{"chain", {{"family", family}, {"table", kTable}, {"name", "gate"}}}}}});
  auto redirect = [](std::uint16_t port) -> Json { return {{"redirect", {{"port", port}}}}; };
  to.push_back(rule("ip", "gate", {match(payload("udp", "dport"), 53), redirect(ports.names_udp)}));
  to.push_back(rule("ip", "gate", {match(payload("tcp", "dport"), 53), redirect(ports.names_tcp)}));
  to.push_back(rule("ip", "gate", {match(meta("l4proto"), "tcp"), redirect(ports.tcp)}));
  to.push_back(
      rule("bridge", "gate",
           {mangle(payload("ether", "daddr"), bridge_mac(gate)), mangle(meta("pkttype"), "host"), verdict("accept")}));
}

Json base_commands(const std::string& bridge) {
  Json commands = Json::array();
  add_bridge_table(commands);
  add_ip_table(commands, bridge);
  return commands;
}

// -- chains of others

std::string comment(const std::string& bridge) { return "banger " + bridge; }

std::string text_of(const Json& object, const char* key) {
  auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const Json* member(const Json& object, const char* key) {
  auto it = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && it != object.end() ? &*it : nullptr;
}

const Json& entries(const Json& ruleset) {
  static const Json kNone = Json::array();
  const Json* list = member(ruleset, "nftables");
  return list && list->is_array() ? *list : kNone;
}

bool refuses_everything(const Json& rule) {
  const Json* expressions = member(rule, "expr");
  if (!expressions || !expressions->is_array()) return false;
  bool refuses = false;
  for (const auto& each : *expressions) {
    if (member(each, "drop") || member(each, "reject"))
      refuses = true;
    else if (!member(each, "counter") && !member(each, "log"))
      return false;
  }
  return refuses;
}

struct Chain {
  ClosedChain chain;
  bool drops = false, last_refuses = false;
  int ours = 0;
};

}  // namespace

Json base_rules(const std::string& bridge) { return whole(base_commands(bridge)); }

Json guest_rules(const std::string& bridge, const GuestPort& guest) {
  auto commands = base_commands(bridge);
  if (guest.gated != Gated::none) add_gate(commands, guest.gate, guest.ports);
  commands.push_back({{"add", guest_element(guest)}});
  for (const auto& [family, set, member] : memberships(guest))
    if (member)
      commands.push_back({{"add", address_element(family, set, guest.address)}});
    else
      add_deletion(commands, address_element(family, set, guest.address));
  set_rates(commands, guest);
  return whole(std::move(commands));
}

Json lan_rules(const std::string& bridge, Ipv4 address, Lan lan) {
  auto commands = base_commands(bridge);
  auto element = address_element("ip", "nolan", address);
  if (lan == Lan::closed)
    commands.push_back({{"add", std::move(element)}});
  else
    add_deletion(commands, element);
  return whole(std::move(commands));
}

Json host_rules(const std::string& bridge, const std::vector<Ipv4>& addresses) {
  auto commands = base_commands(bridge);
  Json set = {{"family", "ip"}, {"table", kTable}, {"name", "ofhost"}};
  commands.push_back({{"flush", {{"set", std::move(set)}}}});
  for (auto address : addresses) commands.push_back({{"add", address_element("ip", "ofhost", address)}});
  return whole(std::move(commands));
}

Json without_guest(const std::string& bridge, const GuestPort& guest) {
  auto commands = base_commands(bridge);
  add_deletion(commands, guest_element(guest));
  for (const auto& [family, set, member] : memberships(guest))
    add_deletion(commands, address_element(family, set, guest.address));
  set_rates(commands, {.tap = guest.tap});
  return whole(std::move(commands));
}

std::vector<GuestPort> guests_on(const Json& ruleset, std::uint32_t tap) {
  std::vector<GuestPort> guests;
  for (const auto& entry : entries(ruleset)) {
    const Json* set = member(entry, "set");
    if (!set || text_of(*set, "family") != "bridge" || text_of(*set, "table") != kTable || !set->contains("elem") ||
        !set->at("elem").is_array())
      continue;
    for (const auto& element : set->at("elem")) {
      const Json* key = member(element, "concat");
      if (!key || !key->is_array() || key->size() != 3 || key->at(0) != tap_name(tap) || !key->at(2).is_string())
        continue;
      if (auto address = parse_ipv4(key->at(2).get<std::string>())) guests.push_back({.tap = tap, .address = *address});
    }
  }
  return guests;
}

std::vector<ClosedChain> closed_chains(const Json& ruleset, const std::string& bridge) {
  std::map<std::string, Chain> chains;
  auto key = [](const Json& of, const char* name) {
    return text_of(of, "family") + " " + text_of(of, "table") + " " + text_of(of, name);
  };
  for (const auto& entry : entries(ruleset)) {
    if (const Json* chain = member(entry, "chain")) {
      auto family = text_of(*chain, "family"), table = text_of(*chain, "table");
      if (text_of(*chain, "hook") != "forward" || (family != "ip" && family != "inet") || table == kTable) continue;
      chains[key(*chain, "name")] = {.chain = {family, table, text_of(*chain, "name")},
                                     .drops = text_of(*chain, "policy") == "drop"};
    } else if (const Json* rule = member(entry, "rule")) {
      auto it = chains.find(key(*rule, "chain"));
      if (it == chains.end()) continue;
      it->second.last_refuses = refuses_everything(*rule);
      it->second.ours += text_of(*rule, "comment") == comment(bridge);
    }
  }
  std::vector<ClosedChain> closed;
  for (auto& [name, chain] : chains) {
    if (!chain.drops && !chain.last_refuses) continue;
    chain.chain.opened = chain.ours >= 2;
    closed.push_back(std::move(chain.chain));
  }
  return closed;
}

Json open_chains(const std::vector<ClosedChain>& chains, const std::string& bridge) {
  Json commands = Json::array();
  for (const auto& chain : chains) {
    if (chain.opened) continue;
    for (const char* direction : {"iifname", "oifname"})
      commands.push_back({{"insert",
                           {{"rule",
                             {{"family", chain.family},
                              {"table", chain.table},
                              {"chain", chain.name},
                              {"comment", comment(bridge)},
                              {"expr", {match(meta(direction), bridge), verdict("accept")}}}}}}});
  }
  return commands.empty() ? Json() : whole(std::move(commands));
}

Json without_all(const Json& ruleset, const std::string& bridge) {
  Json commands = Json::array();
  for (const auto& entry : entries(ruleset)) {
    const Json* rule = member(entry, "rule");
    if (!rule || text_of(*rule, "comment") != comment(bridge) || !rule->contains("handle")) continue;
    commands.push_back({{"delete",
                         {{"rule",
                           {{"family", text_of(*rule, "family")},
                            {"table", text_of(*rule, "table")},
                            {"chain", text_of(*rule, "chain")},
                            {"handle", rule->at("handle")}}}}}});
  }
  for (const char* family : {"bridge", "ip"})
    add_deletion(commands, {{"table", {{"family", family}, {"name", kTable}}}});
  return whole(std::move(commands));
}

}  // namespace banger::net
