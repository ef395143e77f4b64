#include "roles/cli/workspace/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "base/text.h"
#include "roles/cli/table.h"
#include "roles/cli/workspace/fetch.h"
#include "workspace/bounds.h"
#include "workspace/patch.h"

namespace banger::roles::cli {

namespace {

constexpr std::size_t kShortId = 12;  // as git prints ids in large repositories

std::string place_words(const GuestPlace& place) {
  return safe_text(place.vm) +
         (place.path == kGuestRepository ? "" : " --guest-path " + safe_text(shell_quote(place.path)));
}

std::string count_of(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string where(const std::string& branch, const std::string& id) {
  auto name = branch.empty() ? "detached HEAD" : "branch " + safe_text(branch);
  return fmt::format("{} at {}", name, id.empty() ? "no commit yet" : id.substr(0, kShortId));
}

std::string side(const std::string& at, std::optional<std::size_t> commits, std::size_t files) {
  auto ahead = commits ? count_of(*commits, "new commit") : "without the commit that was prepared";
  return fmt::format("{}, {}, {} changed", at, ahead, count_of(files, "file"));
}

std::string listed(std::string_view head, const std::vector<std::string>& names) {
  if (names.empty()) return "";
  auto text = fmt::format("{}:\n", head);
  for (std::size_t i = 0; i < std::min(names.size(), limits::kNamedFiles); ++i)
    text += fmt::format("  {}\n", safe_text(names[i]));
  if (names.size() > limits::kNamedFiles) text += fmt::format("  and {} more\n", names.size() - limits::kNamedFiles);
  return text;
}

Json names_of(const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push_back(to_byte_string(name));
  return list;
}

Json side_of(const std::string& branch, const std::string& head, std::optional<std::size_t> commits,
             const std::vector<std::string>& files) {
  return {{"branch", branch.empty() ? Json() : to_byte_string(branch)},
          {"head", head.empty() ? Json() : Json(head)},
          {"commits", commits ? Json(*commits) : Json()},
          {"files", names_of(files)}};
}

// Errors other than changes are left to the command that applies.
bool is_clean(const Io& io, const std::string& path) {
  auto checked = workspace::check_clean(io.env, path);
  return checked || checked.error().code != ErrorCode::busy;
}

}  // namespace

Result<WorkspaceStatus> find_status(Io& io, const GuestPlace& place, const std::string& path) {
  WorkspaceStatus status{.checkout = TRY(workspace::Checkout::find(io.env, path)), .found = {}};
  status.clean = is_clean(io, path);
  auto daemon = TRY(Daemon::connect(io));
  auto look = [&](const workspace::Comparison& guest, const std::string& stage,
                  const workspace::StopFlag& stop) -> Result<> {
    auto git = TRY(workspace::Git::of_user(io.env, status.checkout.top, &stop));
    status.found = TRY(workspace::find_divergence(guest, {status.checkout, git, io.env, &stop}, stage));
    return {};
  };
  TRY(with_comparison(io, daemon, place, "", look));
  return status;
}

std::string advice(const WorkspaceStatus& status, const GuestPlace& place) {
  const auto& found = status.found;
  auto vm = place_words(place);
  bool moved = status.checkout.head != found.base;
  bool guest = found.guest_commits > 0 || !found.files.guest.empty(), host = moved || !found.files.host.empty();
  auto apply = fmt::format("'banger vm workspace export {} --apply'", vm);
  if (!guest && !host) return "Neither side has changed since the prepare.";
  if (!guest)
    return fmt::format("Only the host has changed: 'banger vm workspace prepare {}' brings its changes in.", vm);
  if (!host && status.clean) return fmt::format("Only the guest has changed: {} brings its changes here.", apply);
  if (!host) return fmt::format("Only the guest has changed: commit or stash the changes here; then use {}.", apply);
  if (found.files.both.empty() && (!moved || found.guest_commits == 0))
    return fmt::format("Both sides have changed, in different files: 'banger vm workspace prepare {}' works.", vm);
  return fmt::format(
      "Both sides have changed: 'banger vm workspace export {} --output work.patch', then 'git apply -3 work.patch'.",
      vm);
}

std::string text_of(const WorkspaceStatus& status, const GuestPlace& place) {
  const auto& found = status.found;
  Table table;
  table.add({"prepared", found.base.empty() ? "no commit" : found.base.substr(0, kShortId)});
  table.add({"guest", side(where(found.guest.branch, found.guest.id), found.guest_commits, found.files.guest.size())});
  table.add(
      {"host", side(where(status.checkout.branch, status.checkout.head), found.host_commits, found.files.host.size())});
  return table.text(Colours::off) + listed("changed in the guest", found.files.guest) +
         listed("changed on the host", found.files.host) + listed("changed on both sides", found.files.both) +
         advice(status, place) + "\n";
}

Json json_of(const WorkspaceStatus& status, const GuestPlace& place) {
  const auto& found = status.found;
  return {{"base", found.base.empty() ? Json() : Json(found.base)},
          {"guest", side_of(found.guest.branch, found.guest.id, found.guest_commits, found.files.guest)},
          {"host", side_of(status.checkout.branch, status.checkout.head, found.host_commits, found.files.host)},
          {"conflicts", names_of(found.files.both)},
          {"advice", advice(status, place)}};
}

}  // namespace banger::roles::cli
