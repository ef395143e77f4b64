#include "roles/agent/sftp/request.h"

namespace banger::roles::agent::sftp {

namespace {

enum Flag : std::uint32_t { kSize = 1, kOwner = 2, kMode = 4, kTimes = 8, kExtended = 0x8000'0000 };

// The pairs of members that follow in this order.
std::pair<std::uint32_t, std::uint32_t> two_numbers(Reader& reader) {
  auto first = reader.number();
  return {first, reader.number()};
}

bool is_known(std::uint8_t kind) { return kind == 1 || (kind >= 3 && kind <= 20) || kind == 200; }

void read_extended(Reader& reader, Request& request) {
  request.name = reader.text();
  const auto& name = request.name;
  if (name == "fsync@openssh.com" || name == "fstatvfs@openssh.com")
    request.handle = reader.text();
  else if (name != "limits@openssh.com")
    request.path = reader.text();
  if (name == "posix-rename@openssh.com" || name == "hardlink@openssh.com") request.other = reader.text();
  if (name == "lsetstat@openssh.com") request.attributes = read_attributes(reader);
}

void read_of_handle(Reader& reader, Request& request) {
  request.handle = reader.text();
  if (request.kind == Kind::set_fstat) request.attributes = read_attributes(reader);
  if (request.kind == Kind::read || request.kind == Kind::write) request.offset = reader.large();
  if (request.kind == Kind::read) request.length = reader.number();
  if (request.kind == Kind::write) request.data = reader.text();
}

void read_of_path(Reader& reader, Request& request) {
  request.path = reader.text();
  if (request.kind == Kind::open) request.flags = reader.number();
  if (request.kind == Kind::open || request.kind == Kind::set_stat || request.kind == Kind::make_directory)
    request.attributes = read_attributes(reader);
  if (request.kind == Kind::rename || request.kind == Kind::make_symlink) request.other = reader.text();
}

}  // namespace

Attributes read_attributes(Reader& reader) {
  Attributes attributes;
  auto flags = reader.number();
  if (flags & kSize) attributes.size = reader.large();
  if (flags & kOwner) attributes.owner = two_numbers(reader);
  if (flags & kMode) attributes.mode = reader.number();
  if (flags & kTimes) attributes.times = two_numbers(reader);
  if (flags & kExtended)
    for (auto count = reader.number(); count > 0 && reader.ok(); --count) {
      reader.text();
      reader.text();
    }
  return attributes;
}

void write_attributes(const Attributes& attributes, Writer& writer) {
  writer.number((attributes.size ? kSize : 0u) | (attributes.owner ? kOwner : 0u) | (attributes.mode ? kMode : 0u) |
                (attributes.times ? kTimes : 0u));
  if (attributes.size) writer.large(*attributes.size);
  if (attributes.owner) writer.number(attributes.owner->first).number(attributes.owner->second);
  if (attributes.mode) writer.number(*attributes.mode);
  if (attributes.times) writer.number(attributes.times->first).number(attributes.times->second);
}

std::optional<Request> parse_request(std::string_view message, std::uint32_t& id) {
  Reader reader(message);
  auto kind = reader.byte();
  id = reader.number();
  if (!reader.ok() || !is_known(kind)) return std::nullopt;
  Request request{.kind = static_cast<Kind>(kind), .id = id};
  switch (request.kind) {
    case Kind::init:
      break;
    case Kind::extended:
      read_extended(reader, request);
      break;
    case Kind::close:
    case Kind::read:
    case Kind::write:
    case Kind::fstat:
    case Kind::set_fstat:
    case Kind::read_directory:
      read_of_handle(reader, request);
      break;
    default:
      read_of_path(reader, request);
  }
  // A path with a zero byte would name another file than the client means.
  if (!reader.ok() || request.path.find('\0') != request.path.npos || request.other.find('\0') != request.other.npos)
    return std::nullopt;
  return request;
}

}  // namespace banger::roles::agent::sftp
