// Reads the host's apt sources (sources.list(5), both styles), selects those of one Debian suite, and writes them as
// deb822. banger has no mirror list of its own. Images are built from the host's own package sources and get their
// updates from the same sources.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::image {

/// One source: every uri offers every suite.
struct AptSource {
  std::vector<std::string> uris, suites, components;
  std::vector<std::string> architectures;  ///< empty: apt's own
  std::string signed_by;  ///< a path, fingerprints, or an armoured key (with its line breaks); may be empty
  bool trusted = false;
};

/// The enabled binary sources of one file. Malformed lines and stanzas are skipped, because one of them must not
/// disable all others.
std::vector<AptSource> parse_one_line_sources(std::string_view text);
std::vector<AptSource> parse_deb822_sources(std::string_view text);

/// All sources in `<etc_apt>/sources.list`, `sources.list.d/*.list` and `*.sources`. Files that cannot be read are
/// skipped.
std::vector<AptSource> read_apt_sources(const std::string& etc_apt);

/// The Origin field in the Release file of (uri, suite): "Debian", or "" when unknown.
using OriginOf = std::function<std::string(const std::string& uri, const std::string& suite)>;

/// The output of `apt-get indextargets` with format kIndexTargetsFormat.
inline constexpr std::string_view kIndexTargetsFormat = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)";
OriginOf origins_from_index_targets(std::string_view output);

/// Debian's own sources for `suite` ("bookworm": also -updates and -security). Such a source offers the component main,
/// and its origin is Debian. If the origin is unknown, its key must be Debian's archive key; if no key is named, its
/// path must end like Debian's. `unavailable`, with a hint, when no source for the suite itself remains.
Result<std::vector<AptSource>> sources_of_suite(const std::vector<AptSource>& all, std::string_view suite,
                                                const OriginOf& origin);

/// Replaces `mirror+file:PATH` by the mirrors in that file, because a guest does not have the file.
std::vector<AptSource> expand_mirror_lists(std::vector<AptSource> sources);

std::string to_deb822(const std::vector<AptSource>& sources);

}  // namespace banger::image
