// A catalog: the images and kernels that can be pulled by a plain name, and where they come from. Pure.
// docs/images.md describes the format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/words.h"
#include "image/catalog/bundle_manifest.h"

namespace banger::image::catalog {

enum class SourceKind {
  bundle,    ///< one file with everything (bundle.h)
  packages,  ///< packages of the distribution: the recipe of the image's name, or the kernel of the kernel's name
  oci,       ///< an image in a registry
};
inline constexpr Word<SourceKind> kSourceKindWords[] = {
    {SourceKind::bundle, "bundle"}, {SourceKind::packages, "packages"}, {SourceKind::oci, "oci"}};

/// One way to get an image or a kernel.
struct Source {
  SourceKind kind = SourceKind::packages;
  std::string location = {};     ///< of a bundle: a URL or a path, which may be relative to the catalog's
  std::uint64_t size_bytes = 0;  ///< of a bundle's file
  std::string sha256 = {};       ///< of a bundle's file, 64 lower-case hexadecimal digits
  std::string reference = {};    ///< of an image in a registry, as `banger image pull` takes it
  bool operator==(const Source&) const = default;
};

struct Entry {
  BundleKind kind = BundleKind::image;
  std::string name;             ///< plain, and what the image or the kernel is called afterwards
  std::string description;      ///< one line
  std::vector<Source> sources;  ///< tried in this order; at least one
  bool operator==(const Entry&) const = default;
};

struct Catalog {
  std::vector<Entry> entries;
  bool operator==(const Catalog&) const = default;
};

/// Untrusted text. `invalid` for unknown fields and kinds, missing ones, names and sources that occur twice, and
/// whatever is over a limit of bounds.h. `unsupported` for a version other than 1.
Result<Catalog> parse_catalog(std::string_view text);

/// For signed catalogs: `denied` when a source may bring other content tomorrow, which is a reference without a digest.
Result<> check_fixed(const Catalog& catalog);

/// Null when there is none.
const Entry* find_entry(const Catalog& catalog, BundleKind kind, std::string_view name);
/// The names of one kind, in the order of the catalog.
std::vector<std::string> names_of(const Catalog& catalog, BundleKind kind);
/// "bundle https://host/a.tar.zst", "packages" or "oci host/app:tag".
std::string to_string(const Source& source);

}  // namespace banger::image::catalog
