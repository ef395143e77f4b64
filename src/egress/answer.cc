#include "egress/answer.h"

#include <algorithm>
#include <optional>
#include <set>

#include "egress/bounds.h"

namespace banger::egress {

namespace {

constexpr std::uint16_t kServed[] = {net::kDnsA,  net::kDnsNs,  net::kDnsCname, net::kDnsSoa, net::kDnsPtr,
                                     net::kDnsMx, net::kDnsTxt, net::kDnsSrv,   net::kDnsCaa};
constexpr std::size_t kAddressBytes = 4;

FilteredAnswer refuse(Reason reason) { return {.reason = reason, .refused = true}; }

Ipv4 address_of(const net::DnsRecord& record) {
  Ipv4 address = 0;
  for (char byte : record.data) address = address << 8 | static_cast<unsigned char>(byte);
  return address;
}

/// The records of one type at one name, without repetitions.
std::vector<net::DnsRecord> records_at(const net::DnsPacket& answer, const net::DnsName& owner, std::uint16_t type) {
  std::vector<net::DnsRecord> found;
  std::set<std::string_view> seen;
  for (const auto& record : answer.answers)
    if (record.owner == owner && record.type == type && record.klass == net::kDnsInternet &&
        seen.insert(record.data).second)
      found.push_back(record);
  return found;
}

/// Where a chain of aliases ends, or why it does not.
struct Chain {
  net::DnsName end = {};
  Reason reason = Reason::allowed;
};

// Appends the aliases to `to`.
Chain follow_aliases(const net::DnsPacket& answer, std::vector<net::DnsRecord>& to) {
  Chain chain{answer.name};
  if (answer.type == net::kDnsCname) return chain;
  std::set<net::DnsName> seen = {answer.name};
  for (;;) {
    auto aliases = records_at(answer, chain.end, net::kDnsCname);
    if (aliases.empty()) return chain;
    // A name has one alias at most (RFC 2181, section 10.1).
    if (aliases.size() > 1) return {.reason = Reason::answer_malformed};
    chain.end = aliases[0].data;
    to.push_back(std::move(aliases[0]));
    if (!seen.insert(chain.end).second || seen.size() > limits::kAliases + 1) return {.reason = Reason::alias_chain};
  }
}

bool is_below_vm(const net::DnsName& name) {
  constexpr std::string_view kVm("\2vm\0", 4);
  return name.size() > kVm.size() && name.ends_with(kVm);
}

// Adds the addresses that the guest gets. A rule that names a closed address has opened it without this lookup.
bool add_addresses(const Policy& policy, const net::DnsName& name, std::vector<net::DnsRecord> records,
                   FilteredAnswer& filtered) {
  std::size_t count = 0;
  for (auto& record : records) {
    if (record.data.size() != kAddressBytes) return false;
    auto address = address_of(record);
    bool peer = is_below_vm(name) && policy.is_peer(address);
    bool closed = policy.is_closed(address) && !peer;
    if (closed && !policy.names_address(address)) {
      filtered.withheld.push_back(address);
    } else if (++count <= limits::kAnswerAddresses) {
      if (!closed && !policy.is_open()) filtered.opens.push_back(address);
      filtered.records.push_back(std::move(record));
    }
  }
  if (count == 0 && !filtered.withheld.empty()) filtered.reason = Reason::answer_closed;
  return true;
}

void set_ttl(FilteredAnswer& filtered) {
  filtered.ttl = static_cast<std::uint32_t>(limits::kOpeningMost.count());
  for (const auto& record : filtered.records) filtered.ttl = std::min(filtered.ttl, record.ttl);
  for (auto& record : filtered.records) record.ttl = filtered.ttl;
}

}  // namespace

bool is_served(const Policy& policy, std::uint16_t type) {
  if (policy.is_open()) return type != net::kDnsAaaa && type != net::kDnsAny;
  return std::ranges::find(kServed, type) != std::end(kServed);
}

FilteredAnswer filter_answer(const Policy& policy, const net::DnsPacket& answer) {
  FilteredAnswer filtered;
  auto chain = follow_aliases(answer, filtered.records);
  if (chain.reason != Reason::allowed) return refuse(chain.reason);
  auto records = records_at(answer, chain.end, answer.type);
  if (!is_served(policy, answer.type)) records.clear();
  if (answer.type == net::kDnsA) {
    if (!add_addresses(policy, answer.name, std::move(records), filtered)) return refuse(Reason::answer_malformed);
  } else {
    std::ranges::move(records, std::back_inserter(filtered.records));
  }
  set_ttl(filtered);
  return filtered;
}

}  // namespace banger::egress
