// The requests of SFTP, version 3 (draft-ietf-secsh-filexfer-02), with OpenSSH's extensions. Pure; any bytes are safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "roles/agent/sftp/wire.h"

namespace banger::roles::agent::sftp {

enum class Kind : std::uint8_t {
  init = 1,
  open = 3,
  close,
  read,
  write,
  lstat,
  fstat,
  set_stat,
  set_fstat,
  open_directory,
  read_directory,
  remove,
  make_directory,
  remove_directory,
  real_path,
  stat,
  rename,
  read_link,
  make_symlink,
  extended = 200,
};

/// What a client wants to know or to change. Members that are not set stay as they are.
struct Attributes {
  std::optional<std::uint64_t> size;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;  ///< uid, gid
  std::optional<std::uint32_t> mode;                             ///< with the file's type
  std::optional<std::pair<std::uint32_t, std::uint32_t>> times;  ///< of the last access and change, in Unix seconds
};

struct Request {
  Kind kind = Kind::init;
  std::uint32_t id = 0;     ///< for Kind::init: the client's version
  std::string name;         ///< of the extension
  std::string path, other;  ///< `other`: where a rename, a hard link or a symlink is to be
  std::string handle;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t flags = 0;  ///< of Kind::open
  Attributes attributes;
  std::string_view data;  ///< of Kind::write; points into the message
};

/// nullopt for a message that is too short, or of an unknown kind. `id` is then what could be read.
std::optional<Request> parse_request(std::string_view message, std::uint32_t& id);

Attributes read_attributes(Reader& reader);
void write_attributes(const Attributes& attributes, Writer& writer);

}  // namespace banger::roles::agent::sftp
