#include "net/dns_message.h"

#include <array>
#include <cstdint>

#include "net/bounds.h"

namespace banger::net {

namespace {

constexpr std::size_t kHeaderBytes = 12, kNameBytes = 255, kLabelBytes = 63;
constexpr std::string_view kZone = "vm";

enum Rcode : unsigned {
  no_error = 0,
  format_error = 1,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16
};
enum RecordType : std::uint16_t {
  type_a = 1,
  type_soa = 6,
  type_opt = 41,
  type_ixfr = 251,
  type_axfr = 252,
  type_any = 255
};
constexpr std::uint16_t kInternet = 1, kAnyClass = 255;
constexpr std::uint16_t kIsAnswer = 0x8000, kOpcode = 0x7800, kAuthoritative = 0x0400, kEchoed = 0x0110;  // RD and CD

/// Reads big-endian fields. After reading past the end, all fields are zero and `ok` stays false.
struct Reader {
  std::string_view bytes;
  std::size_t at = 0;
  bool ok = true;

  bool has(std::size_t count) { return ok = ok && count <= bytes.size() - at; }
  std::uint8_t u8() { return has(1) ? static_cast<std::uint8_t>(bytes[at++]) : std::uint8_t{0}; }
  std::uint16_t u16() {
    unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  void skip(std::size_t count) {
    if (has(count)) at += count;
  }
};

/// The parts of the question's name that matter: `<host>.vm`, the zone itself, a deeper name below the zone, or another
/// name.
struct Name {
  std::array<char, kLabelBytes> host{};  ///< the first label in lower case
  std::size_t host_size = 0;
  unsigned labels = 0;
  bool below_zone = false;
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_zone(std::string_view label) {
  return label.size() == kZone.size() && lower(label[0]) == kZone[0] && lower(label[1]) == kZone[1];
}

// A pointer leads to an earlier name. The question is the first, so a pointer in its name is an error.
Name read_name(Reader& in) {
  Name name;
  std::size_t begin = in.at;
  for (;;) {
    std::size_t size = in.u8();
    if (size == 0 || !in.ok) return name;
    if (size > kLabelBytes || !in.has(size) || in.at + size - begin >= kNameBytes) {
      in.ok = false;
      return name;
    }
    auto label = in.bytes.substr(in.at, size);
    if (name.labels++ == 0)
      for (char c : label) name.host[name.host_size++] = lower(c);
    name.below_zone = is_zone(label);
    in.at += size;
  }
}

// Skips a name in the records after the question. The name itself does not matter.
void skip_name(Reader& in) {
  for (;;) {
    std::size_t size = in.u8();
    if (size >= 0xc0) return in.skip(1);
    if (size > kLabelBytes) in.ok = false;
    if (size == 0 || !in.ok) return;
    in.skip(size);
  }
}

struct Query {
  std::uint16_t id = 0, flags = 0, type = 0, klass = 0;
  std::string_view question;  ///< its bytes; empty when they are malformed
  Name name;
  bool extended = false;  ///< has an OPT record
  unsigned rcode = no_error;
};

bool read_question(Reader& in, Query& query) {
  query.name = read_name(in);
  query.type = in.u16();
  query.klass = in.u16();
  if (in.ok) query.question = in.bytes.substr(kHeaderBytes, in.at - kHeaderBytes);
  return in.ok;
}

// Reads one additional record. Only OPT (RFC 6891) matters, others are skipped.
bool read_additional(Reader& in, Query& query) {
  bool at_root = in.at < in.bytes.size() && in.bytes[in.at] == 0;
  skip_name(in);
  auto type = in.u16();
  in.skip(2);
  in.skip(1);
  unsigned version = in.u8();
  in.skip(2);
  in.skip(in.u16());
  if (!in.ok || type != type_opt) return in.ok;
  if (query.extended || !at_root) return false;
  query.extended = true;
  if (version != 0) query.rcode = bad_version;
  return true;
}

bool read_records(Reader& in, Query& query, unsigned questions, unsigned answers, unsigned authorities,
                  unsigned additionals) {
  if (questions != 1 || answers != 0 || authorities != 0 || !read_question(in, query)) return false;
  for (; additionals > 0; --additionals)
    if (!read_additional(in, query)) return false;
  return in.at == in.bytes.size();
}

// REQUIRES: at least a header.
Query read_query(std::string_view bytes) {
  Reader in{bytes};
  Query query{.id = in.u16(), .flags = in.u16()};
  unsigned counts[4];
  for (auto& count : counts) count = in.u16();
  if (query.flags & kOpcode)
    query.rcode = not_implemented;
  else if (!read_records(in, query, counts[0], counts[1], counts[2], counts[3]))
    query.rcode = format_error;
  else if (query.rcode == no_error && ((query.klass != kInternet && query.klass != kAnyClass) ||
                                       query.type == type_axfr || query.type == type_ixfr))
    query.rcode = refused;
  return query;
}

struct Writer {
  std::string& out;
  void u8(unsigned value) { out += static_cast<char>(value); }
  void u16(unsigned value) {
    u8(value >> 8 & 0xff);
    u8(value & 0xff);
  }
  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
  }
  void label(std::string_view text) {
    u8(static_cast<unsigned>(text.size()));
    out += text;
  }
  void pointer(std::size_t to) { u16(0xc000u | static_cast<unsigned>(to)); }
};

void add_address(Writer out, host::Ipv4 address) {
  out.pointer(kHeaderBytes);
  out.u16(type_a);
  out.u16(kInternet);
  out.u32(0);
  out.u16(4);
  out.u32(address);
}

// The SOA record names the zone's server, and says how long a negative answer may be cached (RFC 2308): not at all.
// REQUIRES: the question's name ends in the zone.
void add_soa(Writer out, const Query& query) {
  constexpr std::string_view kServer = "ns", kPerson = "hostmaster";
  constexpr std::size_t kZoneWire = 1 + kZone.size() + 1, kTypeAndClass = 4, kPointer = 2, kNumbers = 20;
  auto zone = kHeaderBytes + query.question.size() - kTypeAndClass - kZoneWire;
  out.pointer(zone);
  out.u16(type_soa);
  out.u16(kInternet);
  out.u32(0);
  out.u16(1 + kServer.size() + kPointer + 1 + kPerson.size() + kPointer + kNumbers);
  out.label(kServer);
  out.pointer(zone);
  out.label(kPerson);
  out.pointer(zone);
  for (std::uint32_t number : {1u, 3600u, 600u, 86400u, 0u})
    out.u32(number);  // serial, refresh, retry, expire, minimum
}

void add_opt(Writer out, unsigned rcode) {
  out.u8(0);
  out.u16(type_opt);
  out.u16(limits::kDnsMessageBytes);
  out.u8(rcode >> 4);
  out.u8(0);
  out.u16(0);
  out.u16(0);
}

// The longest answer: a header, a question of maximum length, an SOA record and an OPT record.
static_assert(kHeaderBytes + kNameBytes + 4 + (12 + 3 + 2 + 11 + 2 + 20) + 11 <= kDnsAnswerBytes);

}  // namespace

void answer_dns(std::string_view bytes, const AddressOf& address_of, std::string& answer) {
  answer.clear();
  if (bytes.size() < kHeaderBytes) return;
  auto query = read_query(bytes);
  if (query.flags & kIsAnswer) return;
  bool sensible = query.rcode == no_error, ours = sensible && query.name.below_zone,
       apex = ours && query.name.labels == 1;
  std::optional<host::Ipv4> address;
  if (ours && query.name.labels == 2) address = address_of({query.name.host.data(), query.name.host_size});
  if (sensible && !address && !apex) query.rcode = name_error;
  bool has_address = address && (query.type == type_a || query.type == type_any);
  bool has_soa = apex && (query.type == type_soa || query.type == type_any);

  Writer out{answer};
  out.u16(query.id);
  out.u16(kIsAnswer | (query.flags & (kOpcode | kEchoed)) | (ours ? kAuthoritative : 0u) | (query.rcode & 15));
  out.u16(query.question.empty() ? 0 : 1);
  out.u16(has_address || has_soa ? 1 : 0);
  out.u16(ours && !has_address && !has_soa ? 1 : 0);
  out.u16(query.extended ? 1 : 0);
  answer += query.question;
  if (has_address)
    add_address(out, *address);
  else if (ours)
    add_soa(out, query);
  if (query.extended) add_opt(out, query.rcode);
}

}  // namespace banger::net
