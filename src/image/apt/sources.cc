#include "image/apt/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"

namespace banger::image {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> words(std::string_view text, std::string_view separators = " \t\n\r") {
  std::vector<std::string> result;
  while (!text.empty()) {
    auto end = text.find_first_of(separators);
    if (auto word = text.substr(0, end); !word.empty()) result.emplace_back(word);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return result;
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_yes(std::string_view value) { return value == "yes" || value == "true" || value == "1"; }
bool is_no(std::string_view value) { return value == "no" || value == "false" || value == "0"; }

/// Removes the trailing '/', which apt adds to uris without one.
std::string without_slash(std::string uri) {
  while (uri.ends_with('/')) uri.pop_back();
  return uri;
}

std::optional<AptSource> parse_line(std::string_view line) {
  line = line.substr(0, line.find('#'));
  auto parts = words(line, " \t\r");
  if (parts.empty() || parts[0] != "deb") return std::nullopt;
  AptSource source;
  std::size_t next = 1;
  if (next < parts.size() && parts[next].starts_with('[')) {
    auto close = line.find(']');
    if (close == line.npos) return std::nullopt;
    auto open = line.find('[');
    for (const auto& option : words(line.substr(open + 1, close - open - 1), " \t")) {
      auto equals = option.find('=');
      if (equals == option.npos) continue;
      std::string key = option.substr(0, equals), value = option.substr(equals + 1);
      if (key == "arch") source.architectures = words(value, ",");
      if (key == "signed-by") source.signed_by = value;
      if (key == "trusted") source.trusted = is_yes(value);
    }
    parts = words(line.substr(close + 1), " \t\r");
    next = 0;
  }
  if (parts.size() < next + 2) return std::nullopt;
  source.uris = {parts[next]};
  source.suites = {parts[next + 1]};
  source.components.assign(parts.begin() + static_cast<std::ptrdiff_t>(next) + 2, parts.end());
  return source;
}

using Stanza = std::map<std::string, std::string>;

/// Field names in lower case; continuation lines keep their line breaks.
std::vector<Stanza> parse_stanzas(std::string_view text) {
  std::vector<Stanza> stanzas(1);
  std::string field;
  for (auto line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    if (trim(line).empty()) {
      if (!stanzas.back().empty()) stanzas.emplace_back();
      field.clear();
    } else if (line[0] == ' ' || line[0] == '\t') {
      if (!field.empty()) stanzas.back()[field] += "\n" + std::string(line);
    } else if (auto colon = line.find(':'); colon != line.npos) {
      field = std::string(line.substr(0, colon));
      std::transform(field.begin(), field.end(), field.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      stanzas.back()[field] = std::string(trim(line.substr(colon + 1)));
    }
  }
  return stanzas;
}

/// For a source whose Release file has not been fetched yet. apt checks the signature in any case; this function only
/// tells Debian from other vendors.
bool looks_like_debians(const AptSource& source, const std::string& uri) {
  if (!source.signed_by.empty()) return source.signed_by.find("debian-archive") != source.signed_by.npos;
  auto path = without_slash(uri);
  return path.ends_with("/debian") || path.ends_with("/debian-security") || path.starts_with("mirror+file:");
}

bool is_debians(const AptSource& source, const std::string& uri, const std::string& suite, const OriginOf& origin) {
  if (!contains(source.components, "main")) return false;
  auto known = origin(uri, suite);
  return known.empty() ? looks_like_debians(source, uri) : known == "Debian";
}

}  // namespace

std::vector<AptSource> parse_one_line_sources(std::string_view text) {
  std::vector<AptSource> sources;
  for (auto line : split(text, '\n'))
    if (auto source = parse_line(line)) sources.push_back(std::move(*source));
  return sources;
}

std::vector<AptSource> parse_deb822_sources(std::string_view text) {
  std::vector<AptSource> sources;
  for (auto& stanza : parse_stanzas(text)) {
    if (is_no(stanza["enabled"]) || !contains(words(stanza["types"]), "deb")) continue;
    AptSource source{words(stanza["uris"]),          words(stanza["suites"]), words(stanza["components"]),
                     words(stanza["architectures"]), stanza["signed-by"],     is_yes(stanza["trusted"])};
    if (!source.uris.empty() && !source.suites.empty()) sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<AptSource> read_apt_sources(const std::string& etc_apt) {
  std::vector<std::string> files = {etc_apt + "/sources.list"};
  std::error_code error;
  for (fs::directory_iterator at(etc_apt + "/sources.list.d", error), end; !error && at != end; at.increment(error))
    files.push_back(at->path().string());
  std::sort(files.begin() + 1, files.end());
  std::vector<AptSource> all;
  for (const auto& file : files) {
    bool deb822 = file.ends_with(".sources");
    if (!deb822 && !file.ends_with(".list")) continue;
    auto text = host::read_file(file, limits::kAptSourcesBytes);
    if (!text) continue;
    auto sources = deb822 ? parse_deb822_sources(*text) : parse_one_line_sources(*text);
    all.insert(all.end(), sources.begin(), sources.end());
  }
  return all;
}

OriginOf origins_from_index_targets(std::string_view output) {
  std::map<std::string, std::string> origins;
  for (auto line : split(output, '\n'))
    if (auto parts = split(line, '|'); parts.size() == 3)
      origins[without_slash(std::string(parts[0])) + " " + std::string(parts[1])] = std::string(parts[2]);
  return [origins](const std::string& uri, const std::string& suite) {
    auto found = origins.find(without_slash(uri) + " " + suite);
    return found == origins.end() ? std::string() : found->second;
  };
}

Result<std::vector<AptSource>> sources_of_suite(const std::vector<AptSource>& all, std::string_view suite,
                                                const OriginOf& origin) {
  std::string name(suite);
  std::vector<std::string> wanted = {name, name + "-updates", name + "-security"};
  std::vector<AptSource> kept;
  bool has_base = false;
  for (const auto& source : all) {
    for (const auto& uri : source.uris) {
      AptSource one = source;
      one.uris = {uri};
      one.suites.clear();
      for (const auto& offered : source.suites)
        if (contains(wanted, offered) && is_debians(source, uri, offered, origin)) one.suites.push_back(offered);
      if (one.suites.empty()) continue;
      has_base = has_base || contains(one.suites, name);
      kept.push_back(std::move(one));
    }
  }
  if (has_base) return kept;
  return fail(
      ErrorCode::unavailable, fmt::format("this host's apt has no source for Debian {}", name),
      fmt::format(
          "add one for suite '{}' with component main and Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg "
          "to /etc/apt/sources.list.d (package debian-archive-keyring), or use 'banger image import'",
          name));
}

std::vector<AptSource> expand_mirror_lists(std::vector<AptSource> sources) {
  constexpr std::string_view kScheme = "mirror+file:";
  for (auto& source : sources) {
    std::vector<std::string> uris;
    for (const auto& uri : source.uris) {
      auto list = uri.starts_with(kScheme) ? host::read_file(uri.substr(kScheme.size()), limits::kAptSourcesBytes)
                                           : Result<std::string>(uri);
      for (auto line : split(list.value_or(""), '\n'))
        if (auto parts = words(line.substr(0, line.find('#'))); !parts.empty()) uris.push_back(parts[0]);
    }
    source.uris = std::move(uris);
  }
  std::erase_if(sources, [](const AptSource& source) { return source.uris.empty(); });
  return sources;
}

std::string to_deb822(const std::vector<AptSource>& sources) {
  std::string text;
  for (const auto& source : sources) {
    text += fmt::format("{}Types: deb\nURIs: {}\nSuites: {}\nComponents: {}\n", text.empty() ? "" : "\n",
                        join(source.uris, " "), join(source.suites, " "), join(source.components, " "));
    if (!source.architectures.empty()) text += fmt::format("Architectures: {}\n", join(source.architectures, " "));
    if (source.trusted) text += "Trusted: yes\n";
    if (!source.signed_by.empty()) text += fmt::format("Signed-By: {}\n", source.signed_by);
  }
  return text;
}

}  // namespace banger::image
