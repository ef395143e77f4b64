#include "roles/cli/workspace/fetch.h"

#include <fmt/format.h>

#include "host/files.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"
#include "tar/room.h"
#include "tar/tar.h"

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

Result<> download_tree(Io& io, const GuestPlace& place, const std::string& directory) {
  Missing missing;
  CopyReport report(io);
  tar::UnpackOptions unpack{
      .only = "tree", .reserve_bytes = TRY(tar::reserve_in(directory)), .left_out = missing.collect()};
  TRY(download_tar(io, place.as_path(), "tree", {}, report,
                   [&](int fd) { return tar::unpack_tree(fd, directory, unpack); }));
  return missing.check();
}

}  // namespace

Result<host::RecordedDirectory> make_stage(const Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  TRY(host::make_directories(paths.cache, 0700));
  return host::RecordedDirectory::make(host::copy_records(paths), paths.cache, ".banger-workspace-");
}

Result<> fetch_tree(Io& io, Daemon& daemon, const GuestPlace& place, const std::string& stage) {
  if (TRY(find_in_guest(daemon, place)) == Present::nothing)
    return fail(ErrorCode::not_found, fmt::format("there is no {}", place.text()),
                "'banger vm workspace prepare' brings a repository there");
  return in(fmt::format("fetch {}", place.text()), download_tree(io, place, stage));
}

Result<> with_comparison(Io& io, Daemon& daemon, const GuestPlace& place, const CompareWork& work) {
  auto stage = TRY(make_stage(io));
  TRY(fetch_tree(io, daemon, place, stage.path()));
  return run_interruptible(
      daemon.signals(), [] {},
      [&](const image::StopFlag& stop) -> Result<> {
        auto comparison =
            TRY(in(place.text(), workspace::Comparison::make(io.env, stage.path() + "/tree", stage.path(), "", &stop)));
        return work(comparison, stage.path(), stop);
      });
}

}  // namespace banger::roles::cli
