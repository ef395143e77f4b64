// The host's apt sources (sources.list(5), both styles): read, narrowed to one Debian suite, written as deb822. banger
// knows no mirror of its own: images are made from where the host gets its packages, and get their updates from there
// too.
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

/// The enabled binary sources of one file; lines and stanzas that are not understood are skipped, as one of many must
/// not spoil the rest.
std::vector<AptSource> parse_one_line_sources(std::string_view text);
std::vector<AptSource> parse_deb822_sources(std::string_view text);

/// All of `<etc_apt>/sources.list`, `sources.list.d/*.list` and `*.sources`. Files that cannot be read are skipped.
std::vector<AptSource> read_apt_sources(const std::string& etc_apt);

/// What the Release file of (uri, suite) gives as Origin ("Debian"), or "" when that is not known.
using OriginOf = std::function<std::string(const std::string& uri, const std::string& suite)>;

/// The output of `apt-get indextargets` with format kIndexTargetsFormat.
inline constexpr std::string_view kIndexTargetsFormat = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)";
OriginOf origins_from_index_targets(std::string_view output);

/// Only what is Debian's own for `suite` ("bookworm": also -updates and -security): component main is offered, and the
/// origin is Debian or, unknown, the key is Debian's archive key (none named: the path ends like Debian's own).
/// `unavailable` with a way out when that leaves nothing for the suite itself.
Result<std::vector<AptSource>> sources_of_suite(const std::vector<AptSource>& all, std::string_view suite,
                                                const OriginOf& origin);

/// `mirror+file:PATH` names a list on this host that a guest has not: replaced by the mirrors in it.
std::vector<AptSource> expand_mirror_lists(std::vector<AptSource> sources);

std::string to_deb822(const std::vector<AptSource>& sources);

}  // namespace banger::image
