#include "roles/cli/copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>

#include "api/objects/file.h"
#include "api/objects/vm.h"
#include "base/byte_string.h"
#include "host/recorded_directory.h"
#include "roles/cli/copy_arrival.h"
#include "roles/cli/copy_report.h"
#include "roles/cli/copy_transfer.h"
#include "tar/identity.h"

namespace banger::roles::cli {

namespace {

// What a symlink counts as: the file behind it, or itself.
enum class Symlinks { follow, keep };

// What is at a path. Identities are comparable only on one side of a copy. An old agent does not tell them.
struct There {
  Found is = Found::nothing;
  std::string identity;             // of the object that the copy reads or replaces
  std::string behind;               // of what it leads to, if it is a symlink; otherwise the same
  std::vector<std::string> around;  // of a directory and those around it, up to the root

  bool is_root() const { return is == Found::directory && !around.empty() && around.front() == around.back(); }
};

Result<There> find_local(const CopyPath& path, Symlinks symlinks) {
  struct stat own{}, behind{};
  if (::lstat(path.path.c_str(), &own) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return There{};
    return fail_errno(path.text());
  }
  bool leads = ::stat(path.path.c_str(), &behind) == 0;
  const auto& counts = leads && symlinks == Symlinks::follow ? behind : own;
  return There{.is = S_ISDIR(counts.st_mode) ? Found::directory : Found::file,
               .identity = tar::identity_of(counts),
               .behind = leads ? tar::identity_of(behind) : "",
               .around = tar::directories_around(path.path)};
}

Result<There> find_in_guest(Io& io, const CopyPath& path, Symlinks symlinks) {
  auto daemon = TRY(Daemon::connect(io));
  auto file = TRY(daemon.get<api::FileObject>("vm.stat_file", {{"vm", path.vm}, {"path", to_byte_string(path.path)}}));
  if (!file.exists) return There{};
  bool is_link = file.type == "symlink";
  auto behind = (is_link ? file.target_identity : file.identity).value_or("");
  bool follow = is_link && symlinks == Symlinks::follow && file.target_type;
  return There{.is = (follow ? file.target_type : file.type) == "directory" ? Found::directory : Found::file,
               .identity = follow ? behind : file.identity.value_or(""),
               .behind = behind,
               .around = file.around.value_or(std::vector<std::string>())};
}

Result<There> find(Io& io, const CopyPath& path, Symlinks symlinks) {
  return path.vm.empty() ? find_local(path, symlinks) : find_in_guest(io, path, symlinks);
}

Result<There> find_source(Io& io, const CopyPath& source, const CopyOptions& options) {
  auto there = TRY(find(io, source, source.directory || options.follow_links ? Symlinks::follow : Symlinks::keep));
  // A whole file system has /proc in it, whose files may have no end.
  if (there.is_root() || source.path == "/")
    return fail(ErrorCode::invalid, fmt::format("cannot copy {}: it is the whole file system", source.text()),
                "name the directories in it");
  return there;
}

// Two names can mean one VM: its name, its id, or the beginning of its id.
Result<bool> on_one_side(Io& io, const CopyPath& a, const CopyPath& b) {
  if (a.vm == b.vm) return true;
  if (a.vm.empty() || b.vm.empty()) return false;
  auto daemon = TRY(Daemon::connect(io));
  auto first = TRY(daemon.get<api::VmObject>("vm.show", {{"vm", a.vm}}));
  auto second = TRY(daemon.get<api::VmObject>("vm.show", {{"vm", b.vm}}));
  return first.id == second.id;
}

// As with cp, the source is not the place of its copy, and that place is not inside the source.
Result<> check_apart(Io& io, const CopyPath& source, const There& from, const CopyPath& target,
                     const Landing& landing) {
  if (!TRY(on_one_side(io, source, target))) return {};
  CopyPath place{.vm = target.vm, .path = landing.path()}, directory{.vm = target.vm, .path = landing.directory};
  auto there = TRY(find(io, place, Symlinks::keep));
  auto same = [](const std::string& a, const std::string& b) { return !a.empty() && a == b; };
  bool keeps_link = from.identity != from.behind;
  if (same(from.behind, keeps_link ? there.identity : there.behind) || same(from.identity, there.identity))
    return fail(ErrorCode::invalid, fmt::format("{} and {} are the same file", source.text(), place.text()));
  if (from.is != Found::directory) return {};
  auto around = TRY(find(io, directory, Symlinks::follow)).around;
  if (std::ranges::find(around, from.identity) == around.end()) return {};
  return fail(ErrorCode::invalid,
              fmt::format("cannot copy the directory {} into itself, {}", source.text(), place.text()));
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

// One command, with all its sources.
class Copy {
 public:
  Copy(Io& io, const CopyPath& target, Found target_is, Sources sources, const CopyOptions& options)
      : io_(io), target_(target), target_is_(target_is), sources_(sources), options_(options), report_(io) {}

  Result<> add(const CopyPath& source) {
    return in(fmt::format("copy {} to {}", source.text(), target_.text()), copy(source));
  }

  // Whether the other sources can still be copied. If so, the error is reported.
  bool goes_on_after(const Error& error) {
    bool ends = sources_ == Sources::one || target_is_ != Found::directory || error.code == ErrorCode::cancelled ||
                error.code == ErrorCode::exhausted;
    if (!ends) report_.could_not(error);
    return !ends;
  }

  Result<> verdict() const { return report_.verdict(); }

 private:
  Result<> copy(const CopyPath& source) {
    auto from = TRY(find_source(io_, source, options_));
    auto landing = TRY(landing_of(source, from.is, target_, target_is_, sources_));
    if (landing.name.empty())
      return fail(ErrorCode::invalid, fmt::format("{} is the whole file system", target_.text()));
    TRY(check_apart(io_, source, from, target_, landing));
    if (from.is == Found::file && !made_.insert(landing.path()).second)
      return fail(ErrorCode::exists, fmt::format("will not overwrite {}, which this copy has just created",
                                                 CopyPath{.vm = target_.vm, .path = landing.path()}.text()));
    if (source.vm.empty()) return upload(io_, source, target_, landing, options_, report_);
    if (target_.vm.empty()) return download_to(io_, source, landing, options_, report_);
    return pass_on(io_, source, target_, landing, options_, report_);
  }

  Io& io_;
  const CopyPath& target_;
  Found target_is_;
  Sources sources_;
  const CopyOptions& options_;
  CopyReport report_;
  std::set<std::string> made_;  // the places of files
};

// Downloads whose process was killed left their stages.
void remove_abandoned_stages(Io& io) {
  auto paths = host::find_paths(io.env);
  if (!paths) return;
  for (const auto& stage : host::abandoned_directories(host::copy_records(*paths))) (void)host::remove_abandoned(stage);
}

}  // namespace

Result<> copy_all(Io& io, const std::vector<CopyPath>& sources, const CopyPath& target, const CopyOptions& options) {
  remove_abandoned_stages(io);
  auto target_is = TRY(find(io, target, Symlinks::follow)).is;
  Copy copy(io, target, target_is, sources.size() > 1 ? Sources::several : Sources::one, options);
  for (const auto& source : sources)
    if (auto copied = copy.add(source); !copied && !copy.goes_on_after(copied.error())) return copied;
  return copy.verdict();
}

Result<> copy_from_input(Io& io, const CopyPath& target, const CopyOptions& options) {
  CopyReport report(io);
  TRY(in(fmt::format("copy standard input to {}", target.text()), upload_input(io, target, options, report)));
  return report.verdict();
}

Result<> copy_to_output(Io& io, const CopyPath& source, const CopyOptions& options) {
  CopyReport report(io);
  auto text = source.text();
  auto found = TRY(in(fmt::format("copy {}", text), find_source(io, source, options))).is;
  if (found == Found::nothing)
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such file or directory", text));
  if (source.directory && found != Found::directory)
    return fail(ErrorCode::invalid, fmt::format("{} is not a directory", text));
  auto name = source.contents || source.name().empty() ? "." : source.name();
  TRY(in(fmt::format("copy {} to standard output", text), download_to_output(io, source, name, options, report)));
  return report.verdict();
}

}  // namespace banger::roles::cli
