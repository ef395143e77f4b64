// The output of commands that show or make an image, a kernel, a snapshot or a template.
#pragma once

#include "api/objects/snapshot.h"
#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

inline constexpr Option kJsonOption{.name = "json", .help = "print JSON"};
inline constexpr Option kQuietOption{.name = "quiet", .letter = 'q', .help = "print only the id"};

/// Prints all fields, as a table or as JSON (--json).
void show_image(Context& context, const Json& image);
void show_kernel(Context& context, const Json& kernel);

/// Prints one line for a new thing, or its id (-q), or JSON (--json).
void made_image(Context& context, const Json& image);
void made_kernel(Context& context, const Json& kernel);
Result<> made_snapshot(Context& context, const Json& snapshot);
void made_template(Context& context, const Json& each);

/// "memory, disks" or "disks".
std::string_view held_by_snapshot(const api::SnapshotObject& snapshot);

/// Makes `path` absolute, because the daemon has another working directory.
std::string absolute_path(const std::string& path);

}  // namespace banger::roles::cli
