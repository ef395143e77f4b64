// The journals of systemd. A clone takes over those of its template, and the template had another machine-id.
#pragma once

#include <string>

#include "base/result.h"
#include "guest/root.h"

namespace banger::guest {

/// Renames the directories of the journals, because journalctl reads no other machine's directory. The old name stays
/// as a link, because a running journald uses it.
Result<> rename_journals(const Root& root, const std::string& old_id, const std::string& new_id);

/// Writes the machine-id (32 hex digits) into the stored journals of this machine. journald calls a journal of another
/// machine damaged, and puts it aside. Call this only while no journald runs.
Result<> adopt_journals(const Root& root, const std::string& id);

}  // namespace banger::guest
