// Reads the catalog: the compiled-in one, or the file or the URL in its place. Checks its signature.
#pragma once

#include <optional>
#include <string>

#include "host/runtime.h"
#include "image/catalog/catalog.h"
#include "image/catalog/location.h"
#include "image/oci/transport.h"

namespace banger::image::catalog {

/// From the config.
struct Settings {
  std::string catalog = {};  ///< a path or a URL; empty: the compiled-in catalog
  std::string key = {};      ///< base64 of a public key; empty: signatures are not looked at
  std::string home = {};     ///< of the owner, for `~/`
};

/// A catalog, and what its sources are relative to.
struct Published {
  Catalog catalog;
  std::optional<Location> place = {};           ///< nothing: compiled in
  http::Within leads = http::Within::anywhere;  ///< where addresses in the catalog may lead
};

/// Control thread only.
class Reader {
 public:
  /// `transport` must outlive it.
  Reader(host::Runtime& runtime, oci::Transport& transport, Settings settings)
      : runtime_(runtime), transport_(transport), settings_(std::move(settings)) {}

  /// The catalog as it is now. `denied` when it is not signed as it should be, or comes over an open network without a
  /// signature. `invalid` for a malformed one. Errors name its place.
  Task<Result<Published>> read(host::Cancel& cancel);
  /// Without the network: a catalog behind a URL is what read() gave last. Nothing when there is none.
  Task<std::optional<Published>> known();

 private:
  Task<Result<Published>> read_at(Location place, host::Cancel& cancel);
  host::Runtime& runtime_;
  oci::Transport& transport_;
  Settings settings_;
  std::optional<Published> last_;  ///< from a URL
};

}  // namespace banger::image::catalog
