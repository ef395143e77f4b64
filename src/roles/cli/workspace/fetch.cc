#include "roles/cli/workspace/fetch.h"

#include <fmt/format.h>

#include "host/files.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"
#include "roles/cli/workspace/cache.h"
#include "roles/cli/workspace/look.h"
#include "tar/room.h"
#include "tar/tar.h"
#include "workspace/unchanged.h"

namespace banger::roles::cli {

namespace {

// Sockets and devices are nothing for git. Anything else that does not arrive would look like a deletion.
class Missing {
 public:
  tar::LeftOut collect() {
    return [this](std::string_view name, std::string_view why) {
      if (why == "it is a socket" || why == "it is a device" || !first_.empty()) return;
      first_ = fmt::format("{}: {}", safe_text(name), safe_text(why));
    };
  }
  Result<> check() const {
    if (first_.empty()) return {};
    return fail(ErrorCode::unavailable, "a file of the guest did not arrive: " + first_);
  }

 private:
  std::string first_;
};

/// Unpacks a tar of the guest below the stage, where it is called "tree".
Result<> unpack(Io& io, const std::string& stage, const std::function<Result<>(CopyReport&, const TarEnd&)>& download) {
  Missing missing;
  CopyReport report(io);
  tar::UnpackOptions options{
      .only = "tree", .reserve_bytes = TRY(tar::reserve_in(stage)), .left_out = missing.collect()};
  TRY(download(report, [&](int fd) { return tar::unpack_tree(fd, stage, options); }));
  return missing.check();
}

Result<> fetch_whole(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& stage) {
  if (TRY(find_in_guest(daemon, place)) == Present::nothing)
    return fail(ErrorCode::not_found, fmt::format("there is no {}", place.text()),
                "'banger vm workspace prepare' brings a repository there");
  return in(fmt::format("fetch {}", place.text()), unpack(io, stage, [&](CopyReport& report, const TarEnd& read) {
              return download_tar(io, place.as_path(), "tree", {}, report, read);
            }));
}

/// Fetches what has changed since the commit that was prepared. Fails when this host does not know enough of it.
Result<workspace::Unchanged> fetch_changes(Io& io, const GuestPlace& place, const std::string& stage) {
  auto tree = TRY(report_of_guest(io, place));
  auto commit = TRY(workspace::Manifest::parse(tree.manifest.value_or(""))).base;
  WorkspaceCache cache(io);
  auto base = workspace::PreparedBase::parse(cache.load(kBaseText, commit));
  if (base.top.empty()) return fail(ErrorCode::not_found, "this host has not brought the commit there");
  auto unchanged = TRY(
      workspace::find_unchanged(io.env, base, commit, tree.files, workspace::Blobs(cache.load(kBlobsText, base.top))));
  TRY(unpack(io, stage, [&](CopyReport& report, const TarEnd& read) {
    return download_changes_tar(io, place.as_path(), unchanged.names, report, read);
  }));
  return unchanged;
}

enum class Fetch { whole, changes };

/// One attempt. `made` is false when there is no comparison; then `work` was not called.
Result<> attempt(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& base, Fetch fetch,
                 const CompareWork& work, bool& made) {
  auto stage = TRY(make_stage(io));
  std::optional<workspace::Unchanged> unchanged;
  if (fetch == Fetch::changes)
    unchanged = TRY(fetch_changes(io, place, stage.path()));
  else
    TRY(fetch_whole(io, daemon, place, stage.path()));
  return run_interruptible(
      daemon.signals(), [] {},
      [&](const image::StopFlag& stop) -> Result<> {
        auto comparison =
            TRY(in(place.text(), workspace::Comparison::make(io.env, stage.path() + "/tree", stage.path(), base, &stop,
                                                             unchanged ? &*unchanged : nullptr)));
        made = true;
        return work(comparison, stage.path(), stop);
      });
}

}  // namespace

Result<host::RecordedDirectory> make_stage(const Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  TRY(host::make_directories(paths.cache, 0700));
  return host::RecordedDirectory::make(host::copy_records(paths), paths.cache, ".banger-workspace-");
}

Result<> with_comparison(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& base,
                         const CompareWork& work) {
  bool made = false;
  if (base.empty()) {
    auto done = attempt(io, daemon, place, base, Fetch::changes, work, made);
    if (made || (!done && done.error().code == ErrorCode::cancelled)) return done;
  }
  // Whatever went wrong, this way tells it, or works.
  return attempt(io, daemon, place, base, Fetch::whole, work, made);
}

}  // namespace banger::roles::cli
