// Writes DNS messages. A name that the message has already as a whole becomes a pointer (RFC 1035, section 4.1.4).
#include <map>

#include "net/bounds.h"
#include "net/dns_packet.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12, kPointerEnd = 0x4000;
constexpr std::uint16_t kCodeBits = 0x000f;

class Writer {
 public:
  explicit Writer(const DnsPacket& packet) : packet_(packet) {}

  std::string message(bool truncated) {
    u16(packet_.id);
    u16((packet_.flags & ~unsigned{kCodeBits}) | (truncated ? kDnsTruncated : 0u) | (packet_.rcode & kCodeBits));
    u16(packet_.question.empty() ? 0 : 1);
    u16(truncated ? 0 : static_cast<unsigned>(packet_.answers.size()));
    u16(0);
    u16(packet_.extended ? 1 : 0);
    out_ += packet_.question;
    places_[packet_.name] = kHeaderBytes;
    if (!truncated)
      for (const auto& answer : packet_.answers) record(answer);
    if (packet_.extended) opt();
    return std::move(out_);
  }

 private:
  void number(std::uint32_t value, unsigned bytes) {
    for (; bytes > 0; --bytes) out_ += static_cast<char>(value >> 8 * (bytes - 1) & 0xff);
  }
  void u16(unsigned value) { number(value, 2); }

  void name(const DnsName& wire) {
    auto [place, added] = places_.try_emplace(wire, out_.size());
    if (!added && place->second < kPointerEnd)
      u16(0xc000u | static_cast<unsigned>(place->second));
    else
      out_ += wire;
  }
  void record(const DnsRecord& record) {
    name(record.owner);
    u16(record.type);
    u16(record.klass);
    number(record.ttl, 4);
    u16(static_cast<unsigned>(record.data.size()));
    // The next record is most often about the name that an alias leads to.
    if (record.type == kDnsCname) places_.try_emplace(record.data, out_.size());
    out_ += record.data;
  }
  void opt() {
    out_ += '\0';
    u16(kDnsOpt);
    u16(limits::kDnsMessageBytes);
    number(packet_.rcode >> 4 << 24, 4);
    u16(0);
  }

  const DnsPacket& packet_;
  std::string out_;
  std::map<DnsName, std::size_t> places_;
};

}  // namespace

std::string write_dns(const DnsPacket& packet, std::size_t limit) {
  auto whole = Writer(packet).message(false);
  return whole.size() <= limit ? whole : Writer(packet).message(true);
}

}  // namespace banger::net
