// The kinds of rows. The columns hold the words.
#pragma once

#include <string_view>

#include "base/words.h"

namespace banger::store {

/// What a VM is for. Users see only VMs with the purpose `user`.
enum class Purpose {
  user,
  pool,            ///< in the ready pool, not yet claimed
  template_build,  ///< a template is being made from it
};
inline constexpr Word<Purpose> kPurposeWords[] = {
    {Purpose::user, "user"}, {Purpose::pool, "pool"}, {Purpose::template_build, "template"}};

/// Why a state was saved.
enum class SaveKind {
  template_,  ///< new VMs are cloned from it
  suspend,    ///< its VM resumes from it
  snapshot,   ///< a user made it and gave it a name
  fork,       ///< the forks of its VM start from it
};
inline constexpr Word<SaveKind> kSaveKindWords[] = {{SaveKind::template_, "template"},
                                                    {SaveKind::suspend, "suspend"},
                                                    {SaveKind::snapshot, "snapshot"},
                                                    {SaveKind::fork, "fork"}};
constexpr std::string_view to_string(SaveKind kind) { return word_of(kSaveKindWords, kind); }

/// What a running machine was started from.
enum class StartedFrom { boot, clone, pool, fork, snapshot, resume };
inline constexpr Word<StartedFrom> kStartedFromWords[] = {
    {StartedFrom::boot, "cold"}, {StartedFrom::clone, "clone"},       {StartedFrom::pool, "pool"},
    {StartedFrom::fork, "fork"}, {StartedFrom::snapshot, "snapshot"}, {StartedFrom::resume, "resume"}};
constexpr std::string_view to_string(StartedFrom from) { return word_of(kStartedFromWords, from); }

}  // namespace banger::store
