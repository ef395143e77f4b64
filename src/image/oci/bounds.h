// Bounds on what registries send, each with its reason. Bounds of images in general are in image/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"
#include "http/bounds.h"

namespace banger::limits {

// -- references
inline constexpr std::size_t kReferenceBytes = 1024;      ///< the longest text of a reference that is parsed at all
inline constexpr std::size_t kRepositoryNameBytes = 255;  ///< host and path; registries refuse longer names
inline constexpr std::size_t kTagBytes = 128;             ///< the limit of the distribution specification

// -- documents
inline constexpr std::size_t kOciManifestBytes = 4 * kMiB;  ///< the specification tells registries to take this much
inline constexpr std::size_t kIndexEntries = 512;           ///< platforms of one image; the most built ones have 30
inline constexpr int kIndexDepth = 2;                    ///< an index in an index is rare, and deeper ones are not used
inline constexpr std::size_t kImageLayers = 256;         ///< Docker builds at most 127
inline constexpr std::uint64_t kLayerBytes = 64 * kGiB;  ///< one compressed layer; images of models have 20 GiB
inline constexpr std::uint64_t kAllLayersBytes = 256 * kGiB;  ///< all layers of an image

// -- layouts
inline constexpr std::size_t kLayoutMembers = 1024;  ///< of one image: its layers, its documents, its directories
/// An archive of an image: all layers, documents, and the padding of tar.
inline constexpr std::uint64_t kLayoutBytes = kAllLayersBytes + 64 * kMiB;

// -- requests
inline constexpr auto kTlsProbeDeadline = 3s;    ///< a plain server may wait for a line that TLS never sends
inline constexpr auto kDocumentDeadline = 2min;  ///< a document has some KiB; this includes all attempts

// -- logins
inline constexpr std::size_t kDockerConfigBytes = 1 * kMiB;  ///< config.json; real ones are below 10 KiB
inline constexpr std::size_t kHelperLoginBytes = 64 * kKiB;  ///< what a credential helper prints; tokens have some KiB
inline constexpr std::uint64_t kCredentialHelperFileBytes =
    64 * kMiB;                                          ///< one file that a helper writes: a cache of tokens
inline constexpr auto kCredentialHelperDeadline = 60s;  ///< a helper may ask a person to unlock a store of keys

// -- tokens
inline constexpr std::size_t kTokenAnswerBytes = 1 * kMiB;     ///< JSON of a token server; signed tokens have some KiB
inline constexpr std::size_t kTokenBytes = 48 * kKiB;          ///< a header; real tokens have 2 to 8 KiB
inline constexpr std::chrono::seconds kTokenLife{60};          ///< of a token without one; the specification's value
inline constexpr std::chrono::seconds kTokenLifeMost{3600};    ///< a login may be taken back; real tokens live 300 s
inline constexpr std::chrono::seconds kTokenMargin{10};        ///< a token must not expire on its way
inline constexpr auto kBasicLoginLife = 60s;                   ///< most requests of a pull then need no refusal first
inline constexpr std::size_t kRegistryErrorBytes = 64 * kKiB;  ///< JSON of an error; real ones have one line

// -- pulls
inline constexpr auto kPullTick = 100ms;  ///< between two reports of progress, and two looks for a caller that left
inline constexpr std::chrono::seconds kSilenceShown{10};  ///< of a registry; shorter ones are usual on a busy line
/// Of a silence, through all attempts; the pauses between these are short.
inline constexpr std::chrono::seconds kSilenceMost = kHttpStallDeadline * kHttpAttempts;
inline constexpr std::size_t kBlobReadBytes = 1 * kMiB;  ///< one read of a layer that is hashed
inline constexpr std::size_t kParallelLayers = 4;  ///< downloads of one image at once; more do not fill a line better
/// Kept free beside the layers, for the file system of the image.
inline constexpr std::uint64_t kPullSpareBytes = 64 * kMiB;

// -- pushes
inline constexpr int kUploadAttempts = 4;      ///< of one blob; an upload that breaks starts again
inline constexpr auto kUploadFirstPause = 1s;  ///< before the second attempt; then doubled

}  // namespace banger::limits
