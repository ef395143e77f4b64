#include "roles/gate/names.h"

#include "egress/name_gate.h"
#include "net/dns_ask.h"

namespace banger::roles::gate {

namespace {

using egress::Reason;
using egress::Step;

struct Names {
  host::Runtime& runtime;
  Guests& guests;
  NameServers servers;
};
using NamesPtr = std::shared_ptr<const Names>;

egress::Carrier carrier_of(net::DnsCarrier carrier) {
  return carrier == net::DnsCarrier::tcp ? egress::Carrier::tcp : egress::Carrier::udp;
}

// Every resolver asks for IPv6 addresses too, so those questions say nothing.
bool belongs_in_log(Reason reason) { return reason != Reason::allowed && reason != Reason::record_withheld; }

void note(Guest& guest, const std::string& name, Reason reason) {
  if (belongs_in_log(reason)) guest.note({.name = name, .reason = reason});
}

/// A question on its way.
struct Pending {
  GuestPtr guest;
  egress::GatedQuestion question;
  egress::Carrier to;
  std::uint64_t generation;
};

std::uint16_t number_of(std::string_view message) {
  auto number = net::dns_number_of(message);
  return static_cast<std::uint16_t>(static_cast<unsigned char>(number[0]) << 8 | static_cast<unsigned char>(number[1]));
}

Task<std::optional<egress::GatedAnswer>> ask(NamesPtr names, const Pending& pending, host::Endpoint server) {
  auto random = net::random_dns_number();
  auto query = egress::server_query(pending.question, number_of(random));
  auto judge = [&](const std::string& answer, egress::Carrier from) {
    return egress::gate_answer(pending.guest->policy(), pending.question, answer, number_of(random), from, pending.to,
                               now());
  };
  auto answer = co_await net::ask_dns_server(names->runtime, server, query);
  // Another policy may decide otherwise. The guest asks again.
  if (!answer || pending.generation != pending.guest->generation()) co_return std::nullopt;
  auto gated = judge(*answer, egress::Carrier::udp);
  if (gated.step != Step::ask) co_return gated;
  answer = co_await net::ask_dns_over_tcp(names->runtime, server, query);
  if (!answer || pending.generation != pending.guest->generation()) co_return std::nullopt;
  co_return judge(*answer, egress::Carrier::tcp);
}

std::vector<host::Endpoint> servers_for(const Names& names, const std::string& name) {
  if (!name.ends_with(".vm")) return names.servers.outside;
  if (names.servers.vm_names.port == 0) return {};
  return {names.servers.vm_names};
}

Task<std::optional<std::string>> answer_from_server(NamesPtr names, Pending pending) {
  for (const auto& server : servers_for(*names, pending.question.name)) {
    auto gated = co_await ask(names, pending, server);
    if (pending.generation != pending.guest->generation()) co_return std::nullopt;
    if (!gated || gated->step == Step::drop) continue;
    note(*pending.guest, pending.question.name, gated->reason);
    pending.guest->openings().open(gated->openings, now());
    co_return std::move(gated->reply);
  }
  note(*pending.guest, pending.question.name, Reason::lookup_failed);
  co_return egress::failure_reply(pending.question);
}

Task<std::optional<std::string>> answer(NamesPtr names, std::string query, net::Ipv4 from, net::DnsCarrier carrier) {
  auto guest = names->guests.at(from);
  if (!guest) co_return std::nullopt;
  auto question = egress::gate_question(guest->policy(), query);
  note(*guest, question.name, question.reason);
  if (question.step == Step::drop) co_return std::nullopt;
  if (question.step == Step::reply) co_return std::move(question.reply);
  auto generation = guest->generation();
  co_return co_await answer_from_server(names,
                                        {std::move(guest), std::move(question), carrier_of(carrier), generation});
}

}  // namespace

Result<std::unique_ptr<net::DnsServer>> serve_names(host::Runtime& runtime, net::DnsSockets sockets, Guests& guests,
                                                    NameServers servers) {
  auto names = std::make_shared<const Names>(Names{runtime, guests, std::move(servers)});
  return net::answer_dns_on(runtime, std::move(sockets),
                            [names](std::string query, net::Ipv4 from, net::DnsCarrier carrier) {
                              return answer(names, std::move(query), from, carrier);
                            });
}

}  // namespace banger::roles::gate
