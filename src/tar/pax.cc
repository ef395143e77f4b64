#include "tar/pax.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/text.h"

namespace banger::tar {

namespace {

// pax(1), "ustar Interchange Format".
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
      user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == kTarBlock);

template <std::size_t N>
void set_text(char (&field)[N], std::string_view text) {
  std::memcpy(field, text.data(), std::min(N, text.size()));
}

template <std::size_t N>
bool fits(const char (&)[N], std::int64_t number) {
  return number >= 0 && number < std::int64_t{1} << 3 * (N - 1);
}

template <std::size_t N>
void set_number(char (&field)[N], std::int64_t number) {
  if (fits(field, number)) set_text(field, fmt::format("{:0{}o}", number, N - 1));
}

char type_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::hard_link:
      return '1';
    case EntryKind::symlink:
      return '2';
    case EntryKind::character_device:
      return '3';
    case EntryKind::block_device:
      return '4';
    case EntryKind::directory:
      return '5';
    case EntryKind::fifo:
      return '6';
    case EntryKind::file:
    case EntryKind::other:
      break;
  }
  return '0';
}

std::string finished(Header header) {
  set_text(header.magic, "ustar");
  set_text(header.version, "00");
  std::ranges::fill(header.checksum, ' ');
  std::string block(reinterpret_cast<const char*>(&header), sizeof header);
  auto sum = std::accumulate(block.begin(), block.end(), 0u,
                             [](unsigned so_far, char byte) { return so_far + static_cast<unsigned char>(byte); });
  block.replace(offsetof(Header, checksum), 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return block;
}

// Its length counts its own digits.
std::string record(std::string_view key, std::string_view value) {
  auto rest = key.size() + value.size() + 3;
  auto length = rest + 1;
  while (length != rest + std::to_string(length).size()) length = rest + std::to_string(length).size();
  return fmt::format("{} {}={}\n", length, key, value);
}

// A header has room for a short name, and every reader knows ASCII.
bool is_plain(std::string_view name) {
  return name.size() <= sizeof Header::name && std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
}

// A name with '=' cannot be a key, but in libarchive's records it can.
std::string xattr_record(const std::string& name, std::string_view value) {
  if (name.find('=') == name.npos) return record("SCHILY.xattr." + name, value);
  std::string escaped;
  for (char c : name)
    escaped += c == '=' || c == '%' ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
  return record("LIBARCHIVE.xattr." + escaped, to_base64(value));
}

// GNU tar makes a file only as large as the end of the last part. So a hole at the end is followed by an empty part.
std::string sparse_records(const TarEntry& entry, const std::string& name, std::span<const Extent> data) {
  auto size = static_cast<std::uint64_t>(entry.size);
  std::vector<Extent> parts(data.begin(), data.end());
  if (parts.back().offset + parts.back().size < size) parts.push_back({size, 0});
  std::string map;
  for (const auto& part : parts) map += fmt::format("{}{},{}", map.empty() ? "" : ",", part.offset, part.size);
  return record("GNU.sparse.size", std::to_string(size)) +
         record("GNU.sparse.numblocks", std::to_string(parts.size())) + record("GNU.sparse.name", name) +
         record("GNU.sparse.map", map);
}

// What has no room in the header.
std::string extended_records(const TarEntry& entry, const std::string& name, std::int64_t stored,
                             std::span<const Extent> data) {
  Header header{};
  std::string records;
  if (data.empty() && !is_plain(name)) records += record("path", name);
  if (!is_plain(entry.target)) records += record("linkpath", entry.target);
  if (!fits(header.size, stored)) records += record("size", std::to_string(stored));
  if (!fits(header.uid, entry.uid)) records += record("uid", std::to_string(entry.uid));
  if (!fits(header.gid, entry.gid)) records += record("gid", std::to_string(entry.gid));
  if (entry.mtime.nanoseconds != 0 || !fits(header.mtime, entry.mtime.seconds))
    records += record("mtime", fmt::format("{}.{:09}", entry.mtime.seconds, entry.mtime.nanoseconds));
  for (const auto& [key, value] : entry.xattrs) records += xattr_record(key, value);
  if (entry.left_out) records += record(fmt::format("SCHILY.xattr.{}", kLeftOutMark), *entry.left_out);
  if (!data.empty()) records += sparse_records(entry, name, data);
  return records;
}

std::string padded(std::string records) {
  records.resize((records.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
  return records;
}

}  // namespace

std::string pax_headers(const TarEntry& entry, std::span<const Extent> data) {
  bool is_file = entry.kind == EntryKind::file;
  auto name = entry.path;
  if (entry.kind == EntryKind::directory && !name.ends_with('/')) name += '/';
  auto stored = is_file ? entry.size : 0;
  if (!data.empty()) {
    stored = 0;
    for (const auto& extent : data) stored += static_cast<std::int64_t>(extent.size);
  }
  std::string out;
  if (auto records = extended_records(entry, name, stored, data); !records.empty()) {
    Header header{};
    set_text(header.name, "PaxHeader/" + name);
    set_number(header.mode, 0644);
    set_number(header.size, static_cast<std::int64_t>(records.size()));
    header.type = 'x';
    out = finished(header) + padded(std::move(records));
  }
  Header header{};
  set_text(header.name, data.empty() ? name : "GNUSparseFile.0/" + name);
  set_text(header.link, entry.target);
  set_number(header.mode, static_cast<std::int64_t>(entry.mode));
  set_number(header.uid, entry.uid);
  set_number(header.gid, entry.gid);
  set_number(header.size, stored);
  set_number(header.mtime, entry.mtime.seconds);
  set_number(header.major, entry.device_major);
  set_number(header.minor, entry.device_minor);
  header.type = type_of(entry.kind);
  return out + finished(header);
}

}  // namespace banger::tar
