#include "image/catalog/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "image/catalog/bounds.h"
#include "image/oci/digest.h"
#include "image/oci/reference.h"
#include "image/staged_directory.h"

namespace banger::image::catalog {

namespace {

/// A text of one line that is not empty. Terminals show it, and errors contain it.
Result<std::string> get_line(const Json& json, std::string_view key, std::size_t max_bytes) {
  auto text = TRY(get_string(json, key));
  bool plain = std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (text.empty() || text.size() > max_bytes || !plain)
    return fail(ErrorCode::invalid, fmt::format("field '{}' must be one line of 1 to {} bytes", key, max_bytes));
  return text;
}

Result<Source> decode_bundle(const Json& json) {
  TRY(only_keys(json, {"from", "location", "size", "sha256"}));
  Source source{.kind = SourceKind::bundle, .location = TRY(get_line(json, "location", limits::kSourceBytes))};
  auto size = TRY(get_int(json, "size"));
  if (size <= 0 || static_cast<std::uint64_t>(size) > limits::kBundleBytes)
    return fail(ErrorCode::invalid, fmt::format("field 'size' has the impossible value {}", size));
  source.size_bytes = static_cast<std::uint64_t>(size);
  source.sha256 = TRY(get_string(json, "sha256"));
  TRY(in("field 'sha256'", oci::Digest::parse("sha256:" + source.sha256)));
  return source;
}

Result<Source> decode_source(BundleKind kind, const Json& json) {
  auto word = TRY(get_string(json, "from"));
  auto from = value_of(kSourceKindWords, word);
  if (!from)
    return fail(ErrorCode::invalid, fmt::format("'{}' is no kind of source", printable(word, 40)),
                "known are bundle, packages and oci; a newer version of banger may know more");
  if (*from == SourceKind::bundle) return decode_bundle(json);
  if (*from == SourceKind::packages) {
    TRY(only_keys(json, {"from"}));
    return Source{.kind = SourceKind::packages};
  }
  TRY(only_keys(json, {"from", "reference"}));
  if (kind == BundleKind::kernel) return fail(ErrorCode::invalid, "a kernel has no source in a registry");
  Source source{.kind = SourceKind::oci, .reference = TRY(get_line(json, "reference", limits::kSourceBytes))};
  TRY(oci::parse_reference(source.reference));
  return source;
}

Result<> decode_sources(const Json& json, Entry& entry) {
  const Json* sources = find_field(json, "sources");
  if (!sources || !sources->is_array() || sources->empty() || sources->size() > limits::kCatalogSources)
    return fail(ErrorCode::invalid,
                fmt::format("field 'sources' must be a list of 1 to {} sources", limits::kCatalogSources));
  for (const auto& item : *sources) {
    auto number = fmt::format("source {}", entry.sources.size() + 1);
    auto source = TRY(in(number, decode_source(entry.kind, item)));
    if (std::ranges::find(entry.sources, source) != entry.sources.end())
      return fail(ErrorCode::invalid, fmt::format("{} occurs twice", number));
    entry.sources.push_back(std::move(source));
  }
  return {};
}

Result<Entry> decode_entry(const Json& json) {
  auto word = TRY(get_string(json, "kind"));
  auto kind = value_of(kBundleKindWords, word);
  if (!kind)
    return fail(ErrorCode::invalid, fmt::format("'{}' is no kind of entry", printable(word, 40)),
                "known are image and kernel; a newer version of banger may know more");
  Entry entry{.kind = *kind, .name = TRY(get_string(json, "name")), .description = {}, .sources = {}};
  TRY(check_store_name(word, entry.name));
  auto decode_rest = [&]() -> Result<> {
    TRY(only_keys(json, {"kind", "name", "description", "sources"}));
    entry.description = TRY(get_line(json, "description", limits::kDescriptionBytes));
    return decode_sources(json, entry);
  };
  TRY(in(fmt::format("{} '{}'", word, entry.name), decode_rest()));
  return entry;
}

Result<Catalog> decode(const Json& json) {
  if (auto version = TRY(get_int(json, "version")); version != 1)
    return fail(ErrorCode::unsupported, fmt::format("catalogs of version {} are unknown", version),
                "use a newer version of banger");
  TRY(only_keys(json, {"version", "entries"}));
  const Json* entries = find_field(json, "entries");
  if (!entries || !entries->is_array() || entries->size() > limits::kCatalogEntries)
    return fail(ErrorCode::invalid,
                fmt::format("field 'entries' must be a list of at most {} entries", limits::kCatalogEntries));
  Catalog catalog;
  for (const auto& item : *entries) {
    auto entry = TRY(in(fmt::format("entry {}", catalog.entries.size() + 1), decode_entry(item)));
    if (find_entry(catalog, entry.kind, entry.name))
      return fail(ErrorCode::invalid,
                  fmt::format("the {} '{}' occurs twice", word_of(kBundleKindWords, entry.kind), entry.name));
    catalog.entries.push_back(std::move(entry));
  }
  return catalog;
}

}  // namespace

Result<Catalog> parse_catalog(std::string_view text) {
  return decode(TRY(parse_unique_json(text, limits::kCatalogBytes)));
}

Result<> check_fixed(const Catalog& catalog) {
  for (const auto& entry : catalog.entries)
    for (const auto& source : entry.sources)
      if (source.kind == SourceKind::oci && !TRY(oci::parse_reference(source.reference)).digest)
        return fail(ErrorCode::denied,
                    fmt::format("image '{}' refers to {} without a digest, and anything may be there tomorrow",
                                entry.name, source.reference),
                    "a signed catalog needs references such as host/app@sha256:…");
  return {};
}

const Entry* find_entry(const Catalog& catalog, BundleKind kind, std::string_view name) {
  auto found = std::ranges::find_if(catalog.entries,
                                    [&](const Entry& entry) { return entry.kind == kind && entry.name == name; });
  return found == catalog.entries.end() ? nullptr : &*found;
}

std::vector<std::string> names_of(const Catalog& catalog, BundleKind kind) {
  std::vector<std::string> names;
  for (const auto& entry : catalog.entries)
    if (entry.kind == kind) names.push_back(entry.name);
  return names;
}

std::string to_string(const Source& source) {
  auto word = word_of(kSourceKindWords, source.kind);
  if (source.kind == SourceKind::packages) return std::string(word);
  return fmt::format("{} {}", word, source.kind == SourceKind::bundle ? source.location : source.reference);
}

}  // namespace banger::image::catalog
