// Masking and enabling systemd units by links, as systemctl(1) makes them, without systemd running.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::guest {

/// The image has systemd: other inits have no use for units, and a stray /run/systemd would make programs believe in
/// it.
bool has_systemd(const Root& root);

/// `links` is the root in whose `directory` ("/run/systemd/system") the links go; unit files are looked up in `root`.
/// True when something changed. An enabled unit without an [Install] section is wanted by multi-user.target.
Result<bool> apply_unit(const Root& root, const Root& links, const std::string& directory, const guestcfg::Unit& unit);

/// WantedBy= and RequiredBy= of a unit file's [Install] section, as directory names ("multi-user.target.wants"). Pure.
std::vector<std::string> install_directories(std::string_view unit_file);

}  // namespace banger::guest
