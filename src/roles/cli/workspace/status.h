// `vm workspace status`: whether a guest and a checkout of this host have moved apart since the prepare.
#pragma once

#include <string>

#include "roles/cli/workspace/guest.h"
#include "workspace/checkout.h"
#include "workspace/divergence.h"

namespace banger::roles::cli {

struct WorkspaceStatus {
  workspace::Checkout checkout;
  workspace::Divergence found;
  bool clean = true;  ///< the checkout has no changes that are not committed, so `export --apply` takes it
};

/// Fetches the guest's tree and compares it with the checkout around `path`. Changes nothing on either side.
Result<WorkspaceStatus> find_status(Io& io, const GuestPlace& place, const std::string& path);

/// One sentence: the next step.
std::string advice(const WorkspaceStatus& status, const GuestPlace& place);
std::string text_of(const WorkspaceStatus& status, const GuestPlace& place);
Json json_of(const WorkspaceStatus& status, const GuestPlace& place);

}  // namespace banger::roles::cli
