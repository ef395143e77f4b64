// How one image, kernel, snapshot or template is shown; the commands that make one print the same.
#pragma once

#include "api/objects/snapshot.h"
#include "base/json.h"
#include "roles/cli/command.h"

namespace banger::roles::cli {

inline constexpr Option kJsonOption{.name = "json", .help = "print it as JSON"};
inline constexpr Option kQuietOption{.name = "quiet", .letter = 'q', .help = "print only its id"};

/// All fields, as a table or (--json) as they came.
void show_image(Context& context, const Json& image);
void show_kernel(Context& context, const Json& kernel);

/// One line for what was just made, or its id (-q), or JSON (--json).
void made_image(Context& context, const Json& image);
void made_kernel(Context& context, const Json& kernel);
Result<> made_snapshot(Context& context, const Json& snapshot);
void made_template(Context& context, const Json& each);

/// "memory, disks" or "disks".
std::string_view held_by_snapshot(const api::SnapshotObject& snapshot);

/// The daemon has another working directory than we have.
std::string absolute_path(const std::string& path);

}  // namespace banger::roles::cli
