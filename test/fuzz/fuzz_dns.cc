// Fuzzes queries to the DNS server from processes on the host: every answer is a whole message that fits a datagram.
// Also fuzzes the answers that the daemon reads from the host's resolver.
#include <cstdlib>
#include <string>

#include "../unit/net/dns_wire.h"
#include "net/dns_ask.h"
#include "net/dns_message.h"
#include "net/dns_query.h"
#include "net/dns_relay.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size >= 2) (void)banger::net::address_in_answer(bytes, static_cast<std::uint16_t>(data[0] << 8 | data[1]));
  std::string answer;
  banger::net::answer_dns(
      bytes,
      [](std::string_view label) -> std::optional<banger::host::Ipv4> {
        if (label.size() > 63) std::abort();
        for (char c : label)
          if (c >= 'A' && c <= 'Z') std::abort();
        return label.size() % 2 ? std::optional(0x7f400001u) : std::nullopt;
      },
      answer);
  if (answer.empty()) return 0;
  auto read = dns_wire::parse(answer);
  if (!read.whole || answer.size() > banger::net::kDnsAnswerBytes || answer.substr(0, 2) != bytes.substr(0, 2))
    std::abort();
  if (!read.has(0x8000) || read.has(0x0280) || read.counts[0] > 1 || read.counts[1] > 1) std::abort();
  // The name of a VM never leaves this host, and what leaves it has a name.
  bool here = banger::net::is_answered_here(bytes);
  if ((read.has(0x0400) && !here) || (!here && banger::net::dns_question_of(bytes).empty())) std::abort();
  // An answer with a record reports success.
  if (read.counts[1] == 1 && read.rcode() != 0) std::abort();
  return 0;
}
