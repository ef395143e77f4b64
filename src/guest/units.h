// Masking and enabling systemd units by links, as systemctl(1) makes them, without systemd running.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::guest {

/// Whether the image has systemd. Other inits do not use units, and a stray /run/systemd would make programs believe
/// that systemd runs.
bool has_systemd(const Root& root);

/// The links go into `directory` ("/run/systemd/system") of the root `links`. Unit files are looked up in `root`. True
/// when something changed. An enabled unit without an [Install] section is wanted by multi-user.target.
Result<bool> apply_unit(const Root& root, const Root& links, const std::string& directory, const guestcfg::Unit& unit);

/// WantedBy= and RequiredBy= of a unit file's [Install] section, as directory names ("multi-user.target.wants"). Pure.
std::vector<std::string> install_directories(std::string_view unit_file);

}  // namespace banger::guest
