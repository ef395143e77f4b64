// References to images in registries, as Docker reads them. Pure.
// Source: the grammar of github.com/distribution/reference, and the OCI distribution specification 1.1.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/oci/digest.h"

namespace banger::image::oci {

inline constexpr std::string_view kDockerHub = "docker.io";

struct Reference {
  std::string registry;    ///< "docker.io", "host:5000", "[::1]:5000"
  std::string repository;  ///< "library/python"
  std::string tag;         ///< "latest" when the text has neither tag nor digest
  std::optional<Digest> digest;

  /// The full name without abbreviations: "docker.io/library/python:3.12". The name of a pulled image. A digest takes
  /// the place of the tag, because the tag may mean another image by now.
  std::string canonical() const;
  /// "docker.io/library/python": what all versions have in common.
  std::string name() const { return registry + "/" + repository; }
  /// The digest, or else the tag: the last part of a manifest's URL.
  std::string version() const { return digest ? digest->text() : tag; }
  /// The host and port that serve the registry: "registry-1.docker.io" for docker.io.
  std::string host() const;

  bool operator==(const Reference&) const = default;
};

/// `python`, `python:3.12`, `docker.io/library/debian:bookworm`, `host:5000/a/b@sha256:…`, `a/b:tag@sha256:…`. A name
/// without a registry is looked for in `default_registry`. `invalid`, with a hint, for anything else.
Result<Reference> parse_reference(std::string_view text, std::string_view default_registry = kDockerHub);

/// `invalid` unless the text is a host name or an address, with or without a port.
Result<> check_registry_name(std::string_view registry);

}  // namespace banger::image::oci
