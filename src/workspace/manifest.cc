#include "workspace/manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bounds.h"
#include "base/text.h"
#include "workspace/git.h"

namespace banger::workspace {

namespace {

constexpr std::string_view kFirstRecord = "banger workspace 1", kReadOnly = "tree read-only";

// A record of a file is its kind, the hash and the path, with spaces between them.
constexpr std::size_t kKindBytes = 5, kRecordHead = kKindBytes + 64 + 1;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view kind_of(const FileState& file) { return file.link ? "link" : file.executable ? "exec" : "file"; }

Result<> read_record(std::string_view record, Manifest& manifest) {
  auto first = record.find(' '), second = record.find(' ', first + 1);
  auto kind = record.substr(0, first);
  auto bad = [] { return fail(ErrorCode::corrupt, "the record of the last prepare is damaged"); };
  if (first == record.npos) return bad();
  auto rest = record.substr(first + 1);
  if (kind == "base" || kind == "state" || kind == "head") {
    if (kind == "base" && !rest.empty() && !is_object_id(rest)) return bad();
    (kind == "base" ? manifest.base : kind == "state" ? manifest.state : manifest.head) = rest;
    return {};
  }
  if (record == kReadOnly) {
    manifest.read_only = true;
    return {};
  }
  if (second == record.npos) return bad();
  auto id = std::string(record.substr(first + 1, second - first - 1)), name = std::string(record.substr(second + 1));
  if (kind == "ref") {
    if (!is_object_id(id)) return bad();
    manifest.refs[name] = id;
    return {};
  }
  if ((kind != "file" && kind != "exec" && kind != "link") || id.size() != 64 || !is_hex(id) || !is_tree_name(name))
    return bad();
  manifest.files[name] = {.link = kind == "link", .executable = kind == "exec", .hash = id};
  return {};
}

}  // namespace

// "file 0123… path", with 64 digits.
std::string_view path_in_record(std::string_view record) {
  bool file = record.starts_with("file ") || record.starts_with("exec ") || record.starts_with("link ");
  return file && record.size() > kRecordHead && record[kRecordHead - 1] == ' ' ? record.substr(kRecordHead)
                                                                               : std::string_view();
}

bool is_record_of(std::string_view record, const FileState& file) {
  return record.size() > kRecordHead && record.starts_with(kind_of(file)) &&
         record.substr(kKindBytes, file.hash.size()) == file.hash;
}

bool is_object_id(std::string_view id) { return (id.size() == 40 || id.size() == 64) && is_hex(id); }

bool counts_as_work(std::string_view ref) {
  return ref.starts_with("refs/heads/") || ref.starts_with("refs/tags/") || ref == "refs/stash";
}

bool is_tree_name(std::string_view path) {
  if (path.empty() || path.size() > limits::kPathBytes || path.contains('\0')) return false;
  return std::ranges::all_of(split(path, '/'), [](std::string_view part) {
    bool git =
        part.size() == 4 && part[0] == '.' && (part[1] | 32) == 'g' && (part[2] | 32) == 'i' && (part[3] | 32) == 't';
    return !part.empty() && part != "." && part != ".." && !git;
  });
}

std::string Manifest::text() const {
  std::string text(kFirstRecord);
  text += '\0';
  for (auto [kind, value] : {std::pair("base", &base), std::pair("state", &state), std::pair("head", &head)})
    text += fmt::format("{} {}", kind, *value) + '\0';
  if (read_only) text += std::string(kReadOnly) + '\0';
  for (const auto& [name, id] : refs) text += fmt::format("ref {} {}", id, name) + '\0';
  for (const auto& [path, file] : files) text += fmt::format("{} {} {}", kind_of(file), file.hash, path) + '\0';
  return text;
}

Result<Manifest> Manifest::parse(std::string_view text) {
  auto records = records_of(text);
  if (records.empty() || records.front() != kFirstRecord || !text.ends_with('\0'))
    return fail(ErrorCode::corrupt, "the record of the last prepare is damaged");
  Manifest manifest;
  for (auto record : std::span(records).subspan(1)) TRY(read_record(record, manifest));
  return manifest;
}

}  // namespace banger::workspace
