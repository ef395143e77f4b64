#include "roles/cli/workspace/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "host/files.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"
#include "roles/cli/workspace/cache.h"
#include "roles/cli/workspace/fetch.h"
#include "roles/cli/workspace/look.h"
#include "roles/cli/workspace/tools.h"
#include "workspace/bounds.h"
#include "workspace/host_states.h"
#include "workspace/plan.h"
#include "workspace/shipment.h"
#include "workspace/unchanged.h"

namespace banger::roles::cli {

namespace {

using workspace::Manifest;
using workspace::Mode;

std::unexpected<Error> in_the_way(const GuestPlace& place, std::vector<std::string> names) {
  auto count = names.size();
  if (count > limits::kNamedFiles) names.resize(limits::kNamedFiles);
  for (auto& name : names) name = safe_text(name);
  auto more = count > names.size() ? fmt::format(" and {} more", count - names.size()) : "";
  return fail(ErrorCode::exists, fmt::format("work in {} is in the way: {}{}", place.text(), join(names, ", "), more),
              "save it with 'banger vm workspace export', or choose another --guest-path");
}

/// One prepare.
class Prepare {
 public:
  Prepare(Io& io, const Departure& departure, const GuestPlace& place, EarlyReport& early, Access access,
          Daemon& daemon)
      : io_(io),
        checkout_(departure.checkout),
        start_(departure.start),
        place_(place),
        early_(early),
        access_(access),
        daemon_(daemon),
        report_(io),
        cache_(io) {}

  Result<> run() {
    TRY(check_access());
    TRY(look_at_place());
    auto stage = TRY(make_stage(io_));
    TRY(run_interruptible(
        daemon_.signals(), [] {}, [&](const image::StopFlag& stop) { return make(stage.path(), stop); }));
    TRY(look_at_new_files());
    auto plan = TRY(make_plan());
    TRY(change_guest(plan));
    tell(plan);
    start_tools(io_, place_, plan.send);
    return report_.verdict();
  }

 private:
  Result<> check_access() const {
    if (access_ == Access::writable || TRY(can_lock_in_guest(io_, place_))) return {};
    return fail(ErrorCode::unsupported, "the guest has no way to make files read-only",
                "it needs the program mount; or leave out --readonly");
  }

  /// Nothing there is fine. What no prepare has left there is not.
  Result<> look_at_place() {
    guest_ = TRY(look_at_guest(io_, daemon_, place_, early_.take(), report_));
    if (guest_.tree.empty) return {};
    if (!guest_.tree.manifest)
      return fail(ErrorCode::exists, fmt::format("{} is there already, and is no workspace of banger", place_.text()),
                  "choose another place with --guest-path");
    before_ = TRY(in(place_.text(), Manifest::parse(*guest_.tree.manifest)));
    return {};
  }

  /// The repository is made only when something of it travels.
  Result<> make(const std::string& directory, const image::StopFlag& stop) {
    auto git = TRY(workspace::Git::of_user(io_.env, checkout_.top, &stop));
    workspace::Source source{checkout_, git, io_.env, &stop};
    made_.state = TRY(workspace::state_of_repository(source, start_));
    const auto& files = start_.listing.files;
    bool of_git = std::ranges::find(files, workspace::Content::git, &workspace::TravelFile::content) != files.end();
    if (sends_git() || of_git) made_ = TRY(workspace::make_repository(source, start_, directory));
    if (!before_ || start_.mode == Mode::metadata_only) return {};
    auto known = cache_.load(kFilesText, checkout_.top);
    now_ = TRY(workspace::states_of(start_, checkout_.top, made_.files, &stop, &known));
    cache_.store(kFilesText, checkout_.top, known);
    return {};
  }

  /// Files that the last prepare did not bring, and that may be there all the same.
  Result<> look_at_new_files() {
    if (!before_ || guest_.whole) return {};
    std::vector<std::string> names;
    for (const auto& [path, state] : now_)
      if (!before_->files.contains(path)) names.push_back(path);
    if (!names.empty()) guest_.tree.files.merge(TRY(look_at_files(io_, place_, names)));
    return {};
  }

  Result<workspace::Plan> make_plan() const {
    workspace::Plan plan;
    if (!before_) {
      for (const auto& file : start_.listing.files) plan.send.push_back(file.path);
    } else if (start_.mode != Mode::metadata_only) {
      plan = workspace::plan_files(before_->files, guest_.tree.files, now_);
    }
    if (start_.mode == Mode::metadata_only) plan.send.clear();
    if (before_ && sends_git() && !start_.inner.empty())
      return fail(ErrorCode::unsupported,
                  "the commit or the index has changed, and a checkout with submodules is brought only once",
                  "choose another --guest-path, or remove the old one in the guest");
    if (before_ && sends_git() && (guest_.tree.head != before_->head || guest_.tree.refs != before_->refs))
      plan.in_way.insert(plan.in_way.begin(), changed_ref());
    if (!plan.in_way.empty()) return in_the_way(place_, std::move(plan.in_way));
    return plan;
  }

  bool sends_git() const { return !before_ || before_->state != made_.state; }

  std::string changed_ref() const {
    for (const auto& [name, id] : guest_.tree.refs)
      if (auto known = before_->refs.find(name); known == before_->refs.end() || known->second != id)
        return "commits of " + name;
    return "the branch that is checked out";
  }

  /// A place that was read-only is so again after a failure.
  Result<> change_guest(const workspace::Plan& plan) {
    bool locked = before_ && before_->read_only;
    if (locked) TRY(unlock_in_guest(io_, place_));
    auto changed = send(plan);
    if (changed) changed = remove_in_guest(io_, place_, plan.remove);
    if (!changed && locked) (void)lock_in_guest(io_, place_);
    if (!changed || access_ == Access::writable) return changed;
    return lock_in_guest(io_, place_);
  }

  Result<> send(const workspace::Plan& plan) {
    workspace::Shipment shipment{.name = place_.landing().name,
                                 .git_directory = sends_git() ? made_.git_directory : "",
                                 .inner = sends_git() ? made_.inner : decltype(made_.inner)(),
                                 .tree = checkout_.top,
                                 .files = made_.files,
                                 .manifest = new_manifest(),
                                 .written = &report_.bytes()};
    for (const auto& link : start_.listing.submodules) shipment.directories.push_back(link.path);
    std::set<std::string_view> wanted(plan.send.begin(), plan.send.end());
    for (const auto& file : start_.listing.files)
      if (wanted.contains(file.path)) shipment.send.push_back(&file);
    TRY(in(fmt::format("send {} to {}", safe_text(checkout_.top), place_.text()),
           upload_tar(io_, safe_text(checkout_.top), place_.vm, place_.landing(), {.replace_attributes = true}, report_,
                      [&](int fd) { return workspace::write_shipment(shipment, fd); })));
    if (!shipment.known.empty() && !before_)
      cache_.store(kFilesText, checkout_.top, workspace::seen_text(std::move(shipment.known)));
    if (report_.verdict()) remember(shipment);
    // Only the next prepare takes longer without it.
    if (shipment.to_confirm && report_.verdict()) (void)confirm_in_guest(io_, place_);
    return {};
  }

  /// For a later export, which then needs only what has changed in the guest.
  void remember(const workspace::Shipment& shipment) const {
    const auto& base = shipment.manifest.base;
    if (base.empty()) return;
    if (sends_git()) {
      workspace::PreparedBase there{.top = checkout_.top, .packs = workspace::packs_in(made_.git_directory)};
      cache_.store(kBaseText, base, there.text());
    }
    if (shipment.blobs.empty()) return;
    workspace::Blobs blobs(cache_.load(kBlobsText, checkout_.top));
    blobs.merge(shipment.blobs);
    auto text = blobs.text();
    cache_.store(kBlobsText, checkout_.top, text.size() > limits::kBlobListBytes ? shipment.blobs.text() : text);
  }

  Manifest new_manifest() const {
    auto manifest = before_.value_or(Manifest{});
    manifest.read_only = access_ == Access::read_only;
    if (start_.mode != Mode::metadata_only) manifest.files = now_;
    if (!sends_git()) return manifest;
    manifest.base = start_.head;
    manifest.state = made_.state;
    manifest.head = made_.head;
    manifest.refs = made_.refs;
    return manifest;
  }

  void tell(const workspace::Plan& plan) {
    io_.note(fmt::format("{}: {}, {} {} sent{}", place_.text(),
                         start_.branch.empty() ? "detached HEAD" : "branch " + safe_text(start_.branch),
                         plan.send.size(), plan.send.size() == 1 ? "file" : "files",
                         plan.remove.empty() ? "" : fmt::format(", {} removed", plan.remove.size())));
    if (before_) return;
    auto git = run_quietly(io_, place_.vm, "/", {"git", "--version"});
    if (git && *git == 127)
      io_.note("the guest has no git: the files are there, and 'banger vm workspace export' works");
  }

  Io& io_;
  const workspace::Checkout& checkout_;
  const workspace::Start& start_;
  const GuestPlace& place_;
  EarlyReport& early_;
  Access access_;
  Daemon& daemon_;
  CopyReport report_;
  WorkspaceCache cache_;
  GuestLook guest_;
  std::optional<Manifest> before_;
  workspace::GuestRepository made_;
  workspace::FileStates now_;  ///< of the host's files; empty for the first prepare
};

}  // namespace

Result<> prepare_workspace(Io& io, const Departure& departure, const GuestPlace& place, EarlyReport& report,
                           Access access) {
  auto daemon = TRY(Daemon::connect(io));
  return Prepare(io, departure, place, report, access, daemon).run();
}

}  // namespace banger::roles::cli
