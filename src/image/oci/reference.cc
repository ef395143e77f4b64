#include "image/oci/reference.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letters.h"
#include "base/text.h"
#include "image/oci/bounds.h"

namespace banger::image::oci {

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
constexpr std::string_view kHost = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

bool only(std::string_view text, std::string_view letters) { return text.find_first_not_of(letters) == text.npos; }
bool has_upper(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::unexpected<Error> bad(std::string_view text, std::string why, std::string hint = {}) {
  if (hint.empty()) hint = "write it as in python:3.12, host:5000/team/app:tag or host/app@sha256:…";
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a reference to an image: {}", printable(text, 120), why),
              std::move(hint));
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  for (char digit : text) value = value * 10 + static_cast<unsigned>(digit - '0');
  return !text.empty() && text.size() <= 5 && only(text, "0123456789") && value > 0 && value <= 65535;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']'))
    return host.size() > 3 && only(host.substr(1, host.size() - 2), "0123456789abcdefABCDEF:");
  return std::ranges::all_of(split(host, '.'), [](std::string_view part) {
    return !part.empty() && only(part, kHost) && part.front() != '-' && part.back() != '-';
  });
}

/// Words of a-z and 0-9 with one '.', one or two '_', or any number of '-' between them.
bool is_component(std::string_view part) {
  while (true) {
    auto end = std::min(part.find_first_not_of(kLower), part.size());
    if (end == 0) return false;
    part.remove_prefix(end);
    if (part.empty()) return true;
    auto next = std::min(part.find_first_of(kLower), part.size());
    auto separator = part.substr(0, next);
    bool dashes = separator.find_first_not_of('-') == separator.npos;
    if (separator != "." && separator != "_" && separator != "__" && !dashes) return false;
    part.remove_prefix(next);
  }
}

/// The part before the first '/' is a registry when it cannot be a directory of the default one.
bool names_registry(std::string_view first) {
  return first.find_first_of(".:[") != first.npos || first == "localhost" || has_upper(first);
}

bool is_hub(std::string_view registry) { return registry == "docker.io" || registry == "index.docker.io"; }

Result<std::string> take_tag(std::string_view text, std::string_view& rest) {
  auto colon = rest.rfind(':');
  auto slash = rest.rfind('/');
  if (colon == rest.npos || (slash != rest.npos && colon < slash)) return std::string();
  auto tag = rest.substr(colon + 1);
  rest = rest.substr(0, colon);
  bool good = !tag.empty() && tag.size() <= limits::kTagBytes && kWord.find(tag[0]) != kWord.npos &&
              only(tag.substr(1), std::string(kWord) + ".-");
  if (!good)
    return bad(text, fmt::format("its tag '{}' is malformed", printable(tag, 140)),
               "a tag has up to 128 of a-z, A-Z, 0-9, '.', '_' and '-', and begins with a letter, a digit or '_'");
  return std::string(tag);
}

Result<> check_path(std::string_view text, std::string_view path) {
  if (path.empty()) return bad(text, "it names no image");
  if (has_upper(path))
    return bad(text, "names of images have no upper-case letters",
               fmt::format("did you mean '{}'?", printable(lower(path), 120)));
  for (auto part : split(path, '/'))
    if (!is_component(part))
      return bad(text,
                 part.empty() ? "a part between slashes is empty"
                              : fmt::format("'{}' is no valid part of a name", printable(part, 80)),
                 "parts have a-z and 0-9, with single '.', '_', '__' or '-' between them");
  return {};
}

}  // namespace

std::string Reference::canonical() const {
  return digest ? fmt::format("{}@{}", name(), digest->text()) : fmt::format("{}:{}", name(), tag);
}

std::string Reference::host() const { return registry == kDockerHub ? "registry-1.docker.io" : registry; }

Result<> check_registry_name(std::string_view registry) {
  auto host = registry;
  auto colon = registry.rfind(':');
  bool has_port = colon != registry.npos && registry.find(']', colon) == registry.npos;
  if (has_port) host = registry.substr(0, colon);
  bool good = is_host(host) && (!has_port || is_port(registry.substr(colon + 1)));
  if (good && names_registry(registry)) return {};
  if (good)
    return fail(ErrorCode::invalid, fmt::format("'{}' in front of a name is a directory, not a registry", registry),
                fmt::format("write its port too: {}:443", registry));
  return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a registry", printable(registry, 120)),
              "write HOST or HOST:PORT, without https://");
}

Result<Reference> parse_reference(std::string_view text, std::string_view default_registry) {
  if (text.size() > limits::kReferenceBytes) return bad(text, "it is too long");
  if (text.find("://") != text.npos) return bad(text, "it is a URL", "leave out the part up to ://");
  Reference reference;
  auto rest = text;
  if (auto at = rest.find('@'); at != rest.npos) {
    reference.digest = TRY(in(fmt::format("reference '{}'", printable(text, 120)), Digest::parse(rest.substr(at + 1))));
    rest = rest.substr(0, at);
  }
  auto slash = rest.find('/');
  bool explicit_registry = slash != rest.npos && names_registry(rest.substr(0, slash));
  reference.registry = explicit_registry ? rest.substr(0, slash) : default_registry;
  if (explicit_registry) rest.remove_prefix(slash + 1);
  TRY(in(fmt::format("reference '{}'", printable(text, 120)), check_registry_name(reference.registry)));
  // DNS makes no difference between letters. But "H0/a" in small letters would be a directory of the default registry.
  if (auto small = lower(reference.registry); names_registry(small)) reference.registry = std::move(small);
  if (is_hub(reference.registry)) reference.registry = kDockerHub;

  reference.tag = TRY(take_tag(text, rest));
  TRY(check_path(text, rest));
  bool official = reference.registry == kDockerHub && rest.find('/') == rest.npos;
  reference.repository = official ? fmt::format("library/{}", rest) : std::string(rest);
  if (reference.tag.empty() && !reference.digest) reference.tag = "latest";
  if (reference.digest) reference.tag.clear();
  if (reference.name().size() > limits::kRepositoryNameBytes) return bad(text, "its name has more than 255 characters");
  return reference;
}

}  // namespace banger::image::oci
