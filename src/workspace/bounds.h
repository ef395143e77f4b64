// Bounds of workspaces, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- the host's git
inline constexpr auto kGitDeadline = std::chrono::minutes(10);  ///< packing a large history takes minutes
inline constexpr auto kGitTick =
    std::chrono::milliseconds(50);  ///< between two looks for an interrupt; git ends at once
/// Kept of one output. A listing has some 150 bytes for a file, so this is enough for a million files.
inline constexpr std::size_t kGitOutputBytes = 256 * kMiB;
inline constexpr std::size_t kGitErrorBytes = 64 * kKiB;  ///< kept of standard error, whose last lines have the cause

// -- what travels
inline constexpr std::size_t kTreeReadBytes = 256 * kKiB;  ///< one read of a file; few system calls
inline constexpr std::size_t kBlobListBytes = 64 * kMiB;   ///< 600,000 contents; more would take longer than an export
inline constexpr std::size_t kHistoryCommits = 50;  ///< enough for git log and blame of recent work; a small pack
inline constexpr std::size_t kWorkspaceFiles = 1'000'000;  ///< names in one checkout; the largest known have half of it
inline constexpr std::size_t kNamedFiles = 20;             ///< names in one message; more would hide the message itself

// -- unchanged files are not read again
inline constexpr auto kStampPace = std::chrono::milliseconds(50);  ///< a kernel's clock for files ticks within 10 ms
inline constexpr auto kCoarseStampPace = std::chrono::seconds(3);  ///< of file systems that count two seconds at once
/// What a guest tells about its tree at once. More files would take too much memory of a small guest, so they are read.
inline constexpr std::size_t kTreeReportBytes = 32 * kMiB;
inline constexpr std::size_t kTreeAnswerBytes = 96 * kMiB;    ///< of a guest: the record, changed files, and references
inline constexpr std::uint64_t kConfirmFromBytes = 1 * kMiB;  ///< less is read within 50 ms, even in an emulated guest

// -- what a guest sends; it is hostile
inline constexpr std::size_t kPreparedListBytes = 256 * kMiB;  ///< as much as a listing of git
inline constexpr std::size_t kGuestNames = 4'000'000;          ///< files and directories that are looked at
inline constexpr std::size_t kGuestTreeDepth = 512;            ///< nested directories; a path has at most 2048
/// Memory of one git that reads a guest's objects. A patch holds two versions of a file and its compressed form.
inline constexpr std::uint64_t kGuestGitBytes = 4 * kGiB;
/// Each pack may take as long as kGitDeadline. Git itself repacks at 50.
inline constexpr std::size_t kGuestPacks = 1'000;
inline constexpr std::size_t kGuestIndexBytes = 256 * kMiB;  ///< of git's index; 1,000,000 files have 100 MiB
inline constexpr std::uint64_t kPatchBytes = 16 * kGiB;      ///< a patch of large binary files; more fills a disk
inline constexpr std::size_t kRefBytes = 4 * kKiB;           ///< a reference is an id, or the name of another one
inline constexpr std::size_t kPackedRefsBytes = 32 * kMiB;   ///< as many as kRefs
inline constexpr std::size_t kRefs = 200'000;                ///< branches and tags; large projects have some 10,000
inline constexpr std::uint64_t kGuestTreeBytes = 64 * kGiB;  ///< a hole costs a guest nothing, but time to hash here

}  // namespace banger::limits
