#include "roles/cli/workspace/export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/files.h"
#include "host/recorded_directory.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"
#include "roles/cli/log_stream.h"
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

Result<> fetch(Io& io, const GuestPlace& place, const std::string& directory) {
  Missing missing;
  CopyReport report(io);
  tar::UnpackOptions unpack{
      .only = "tree", .reserve_bytes = TRY(tar::reserve_in(directory)), .left_out = missing.collect()};
  TRY(download_tar(io, place.as_path(), "tree", {}, report,
                   [&](int fd) { return tar::unpack_tree(fd, directory, unpack); }));
  return missing.check();
}

Result<> copy_to(Io& io, const std::string& from, const std::string& output) {
  auto patch = TRY(host::open_file(from, O_RDONLY));
  UniqueFd file;
  if (output != "-") file = TRY(host::open_file(output, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  TerminalFilter filter;
  bool filtered = io.out_is_terminal();
  std::string buffer(limits::kCopyPipeBytes, '\0');
  for (;;) {
    auto count = ::read(patch.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read the patch");
    if (count == 0) return {};
    auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(count));
    if (file)
      TRY(in(safe_text(output), host::write_all(file.get(), piece)));
    else
      io.print(filtered ? filter.feed(piece) : std::string(piece));
  }
}

bool is_empty(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && info.st_size == 0;
}

void note_damage(const Io& io, const std::string& damage) {
  if (!damage.empty())
    io.note(safe_text(damage) + "; so ignored files that are staged and not committed are not part of the patch");
}

Result<> deliver(Io& io, const workspace::Patch& patch, const GuestPlace& place, const ExportWish& wish) {
  for (const auto& name : patch.nested)
    io.note(fmt::format("the repository {} inside {} is not part of the patch", safe_text(name), place.text()));
  note_damage(io, patch.index_damage);
  bool nothing = is_empty(patch.file);
  if (nothing) io.note(fmt::format("nothing has changed in {}", place.text()));
  if (wish.output) TRY(copy_to(io, patch.file, *wish.output));
  if (!wish.apply_to || nothing) return {};
  TRY(workspace::apply_patch(io.env, *wish.apply_to, patch.file));
  io.note(fmt::format("applied to {}; 'git diff --cached' shows it", safe_text(*wish.apply_to)));
  return {};
}

}  // namespace

workspace::PatchWish patch_wish(const Args& args) {
  return {.base = args.text("base-commit").value_or(""), .paths = args.all("path")};
}

Result<> export_workspace(Io& io, const GuestPlace& place, const ExportWish& wish) {
  // A mistake is told before the work.
  if (wish.apply_to) TRY(workspace::check_clean(io.env, *wish.apply_to));
  auto daemon = TRY(Daemon::connect(io));
  if (TRY(find_in_guest(daemon, place)) == Present::nothing)
    return fail(ErrorCode::not_found, fmt::format("there is no {}", place.text()),
                "'banger vm workspace prepare' brings a repository there");
  auto paths = TRY(host::find_paths(io.env));
  TRY(host::make_directories(paths.cache, 0700));
  auto stage = TRY(host::RecordedDirectory::make(host::copy_records(paths), paths.cache, ".banger-workspace-"));
  TRY(in(fmt::format("fetch {}", place.text()), fetch(io, place, stage.path())));
  workspace::Patch patch;
  TRY(run_interruptible(
      daemon.signals(), [] {},
      [&](const image::StopFlag& stop) -> Result<> {
        patch = TRY(
            in(place.text(), workspace::make_patch(io.env, stage.path() + "/tree", stage.path(), wish.patch, &stop)));
        return {};
      }));
  return deliver(io, patch, place, wish);
}

}  // namespace banger::roles::cli
