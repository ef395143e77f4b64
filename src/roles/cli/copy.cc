#include "roles/cli/copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "api/objects/file.h"
#include "base/byte_string.h"
#include "host/recorded_directory.h"
#include "roles/cli/copy_arrival.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"

namespace banger::roles::cli {

namespace {

// What a symlink counts as: the file behind it, or itself.
enum class Symlinks { follow, keep };

Result<Found> find_local(const CopyPath& path, Symlinks symlinks) {
  struct stat info{};
  if (symlinks == Symlinks::follow && ::stat(path.path.c_str(), &info) == 0)
    return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
  if (::lstat(path.path.c_str(), &info) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Found::nothing;
    return fail_errno(path.text());
  }
  return S_ISDIR(info.st_mode) ? Found::directory : Found::file;
}

Result<Found> find_in_guest(Io& io, const CopyPath& path, Symlinks symlinks) {
  auto daemon = TRY(Daemon::connect(io));
  auto file = TRY(daemon.get<api::FileObject>("vm.stat_file", {{"vm", path.vm}, {"path", to_byte_string(path.path)}}));
  if (!file.exists) return Found::nothing;
  bool behind = symlinks == Symlinks::follow && file.type == "symlink";
  return (behind ? file.target_type : file.type) == "directory" ? Found::directory : Found::file;
}

Result<Found> find(Io& io, const CopyPath& path, Symlinks symlinks) {
  return path.vm.empty() ? find_local(path, symlinks) : find_in_guest(io, path, symlinks);
}

Result<Found> find_source(Io& io, const CopyPath& source, const CopyOptions& options) {
  return find(io, source, source.directory || options.follow_links ? Symlinks::follow : Symlinks::keep);
}

// The source is already on its way when something in it is left out. If nothing at all arrives, there is nothing to
// move.
Result<> download_to(Io& io, const CopyPath& source, const Landing& landing, const CopyOptions& options,
                     CopyReport& report) {
  auto stage = TRY(stage_for(io, landing));
  // The agent of a VM that runs since before an upgrade names the tree by the source, whatever is asked for.
  auto name = source.name();
  if (name.empty() || name == "." || name == "..") name = "copy";
  TRY(download(io, source, stage.path(), name, options, report));
  auto arrived = stage.path() + "/" + name;
  if (::faccessat(AT_FDCWD, arrived.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return put_in_place(std::move(stage), arrived, landing, options, report);
  if (!report.verdict()) return {};
  return fail(ErrorCode::corrupt, fmt::format("the guest did not send {}", source.text()));
}

Result<> copy_one(Io& io, const CopyPath& source, const CopyPath& target, Found target_is, Sources sources,
                  const CopyOptions& options, CopyReport& report) {
  auto landing = TRY(landing_of(source, TRY(find_source(io, source, options)), target, target_is, sources));
  // A whole file system has /proc in it, whose files may have no end.
  if (landing.name.empty() || source.path == "/")
    return fail(ErrorCode::invalid, fmt::format("cannot copy {} to {}: one of the paths is the whole file system",
                                                source.text(), target.text()));
  if (source.vm.empty()) return upload(io, source, target, landing, options, report);
  if (target.vm.empty()) return download_to(io, source, landing, options, report);
  return pass_on(io, source, target, landing, options, report);
}

// Downloads whose process was killed left their stages.
void remove_abandoned_stages(Io& io) {
  auto paths = host::find_paths(io.env);
  if (!paths) return;
  for (const auto& stage : host::abandoned_directories(host::copy_records(*paths))) (void)host::remove_abandoned(stage);
}

}  // namespace

Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& target, const CopyOptions& options) {
  remove_abandoned_stages(io);
  auto target_is = TRY(find(io, target, Symlinks::follow));
  CopyReport report(io);
  for (const auto& source : sources)
    TRY(in(fmt::format("copy {} to {}", source.text(), target.text()),
           copy_one(io, source, target, target_is, sources.size() > 1 ? Sources::several : Sources::one, options,
                    report)));
  return report.verdict();
}

Result<> copy_from_input(Io& io, const CopyPath& target, const CopyOptions& options) {
  CopyReport report(io);
  TRY(in(fmt::format("copy standard input to {}", target.text()), upload_input(io, target, options, report)));
  return report.verdict();
}

Result<> copy_to_output(Io& io, const CopyPath& source, const CopyOptions& options) {
  CopyReport report(io);
  auto text = source.text();
  auto found = TRY(in(fmt::format("copy {}", text), find_source(io, source, options)));
  if (found == Found::nothing)
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such file or directory", text));
  if (source.directory && found != Found::directory)
    return fail(ErrorCode::invalid, fmt::format("{} is not a directory", text));
  auto name = source.contents || source.name().empty() ? "." : source.name();
  TRY(in(fmt::format("copy {} to standard output", text), download_to_output(io, source, name, options, report)));
  return report.verdict();
}

}  // namespace banger::roles::cli
