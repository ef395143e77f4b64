#include "net/dns_packet.h"

#include <algorithm>

#include "base/letters.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12, kNameBytes = 255, kLabelBytes = 63, kSmallestDatagram = 512;

/// Reads big-endian fields. After reading past the end, all fields are zero and `ok` stays false.
struct Reader {
  std::string_view bytes;
  std::size_t at = 0;
  bool ok = true;

  std::string_view take(std::size_t count) {
    ok = ok && count <= bytes.size() - at;
    if (!ok) return {};
    at += count;
    return bytes.substr(at - count, count);
  }
  std::uint32_t number(std::size_t count) {
    std::uint32_t value = 0;
    for (unsigned char byte : take(count)) value = value << 8 | byte;
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
};

// Follows pointers to earlier places only, so it ends.
DnsName read_name(Reader& in, bool pointers) {
  DnsName name;
  std::size_t segment = in.at;
  std::optional<std::size_t> back;
  while (in.ok) {
    auto size = in.number(1);
    if (size >= 0xc0) {
      std::size_t to = (size & 0x3f) << 8 | in.number(1);
      if (!pointers || to >= segment || to < kHeaderBytes) in.ok = false;
      if (!back) back = in.at;
      if (in.ok) segment = in.at = to;
      continue;
    }
    if (size > kLabelBytes || name.size() + size + 1 > kNameBytes) in.ok = false;
    name += static_cast<char>(size);
    name += in.take(size);
    if (size == 0) break;
  }
  if (back && in.ok) in.at = *back;
  return in.ok ? lower(name) : DnsName();  // the lengths are below the letters
}

/// Where the data of a type has names: after so many bytes, so many names, then the rest.
struct Shape {
  std::uint16_t type;
  std::size_t before, names, after;
};
constexpr Shape kShapes[] = {{kDnsNs, 0, 1, 0}, {kDnsCname, 0, 1, 0}, {kDnsSoa, 0, 2, 20}, {kDnsPtr, 0, 1, 0},
                             {kDnsMx, 2, 1, 0}, {kDnsSrv, 6, 1, 0},   {kDnsDname, 0, 1, 0}};

// Obsolete types of RFC 1035, and those of RFC 3597, section 4, whose data may have pointers.
constexpr std::uint16_t kOtherNames[] = {3, 4, 7, 8, 9, 14, 17, 18, 21, 24, 26, 30, 35, 36};

// Reads `size` bytes of data. Pointers in it become the names that they mean.
std::string read_data(Reader& in, std::uint16_t type, std::size_t size) {
  if (!in.ok || size > in.bytes.size() - in.at) {
    in.ok = false;
    return {};
  }
  auto shape = std::ranges::find(kShapes, type, &Shape::type);
  if (shape == std::end(kShapes)) return std::string(in.take(size));
  auto end = in.at + size;
  std::string data(in.take(shape->before));
  for (std::size_t i = 0; i < shape->names; ++i) data += read_name(in, true);
  data += in.take(shape->after);
  in.ok = in.ok && in.at == end;
  return data;
}

DnsRecord read_record(Reader& in) {
  DnsRecord record{.owner = read_name(in, true), .type = in.u16(), .klass = in.u16(), .ttl = in.number(4), .data = {}};
  if (record.type != kDnsOpt && record.ttl >> 31) record.ttl = 0;
  auto size = in.u16();
  record.data = read_data(in, record.type, size);
  return record;
}

void read_answers(Reader& in, DnsPacket& packet, unsigned count) {
  for (; count > 0 && in.ok; --count) {
    auto record = read_record(in);
    bool odd = std::ranges::find(kOtherNames, record.type) != std::end(kOtherNames);
    if (in.ok && !odd) packet.answers.push_back(std::move(record));
  }
}

void read_additional(Reader& in, DnsPacket& packet, unsigned count) {
  for (; count > 0 && in.ok; --count) {
    auto record = read_record(in);
    if (!in.ok || record.type != kDnsOpt) continue;
    if (packet.extended || record.owner.size() != 1) in.ok = false;
    packet.extended = true;
    packet.udp_bytes = std::max<std::uint16_t>(record.klass, kSmallestDatagram);
    packet.rcode |= record.ttl >> 24 << 4;
  }
}

}  // namespace

std::optional<std::string> dns_text(std::string_view name) {
  std::string text;
  for (std::size_t at = 0; at < name.size() && name[at] != 0; at += static_cast<std::size_t>(name[at]) + 1) {
    auto label = name.substr(at + 1, static_cast<std::size_t>(name[at]));
    if (std::ranges::any_of(label, [](char c) { return c <= ' ' || c > '~' || c == '.' || c == '\\'; }))
      return std::nullopt;
    if (!text.empty()) text += '.';
    text += label;
  }
  return text;
}

std::optional<DnsPacket> read_dns_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  Reader in{bytes};
  DnsPacket packet{.id = in.u16(), .flags = in.u16()};
  packet.rcode = packet.flags & 0x0f;
  packet.udp_bytes = kSmallestDatagram;
  return packet;
}

Result<DnsPacket> read_dns(std::string_view bytes) {
  auto wrong = fail(ErrorCode::invalid, "the DNS message is malformed");
  auto packet = read_dns_header(bytes);
  if (!packet) return wrong;
  Reader in{.bytes = bytes, .at = 4};
  unsigned questions = in.u16(), answers = in.u16(), authorities = in.u16(), additionals = in.u16();
  if (questions != 1) return wrong;
  if (answers + authorities + additionals > limits::kDnsRecords)
    return fail(ErrorCode::exhausted, "the DNS message has too many records");
  packet->name = read_name(in, false);
  packet->type = in.u16();
  packet->klass = in.u16();
  if (!in.ok) return wrong;
  packet->question = bytes.substr(kHeaderBytes, in.at - kHeaderBytes);
  read_answers(in, *packet, answers);
  for (; authorities > 0 && in.ok; --authorities) read_record(in);
  read_additional(in, *packet, additionals);
  if (!in.ok || in.at != bytes.size()) return wrong;
  return *std::move(packet);
}

}  // namespace banger::net
