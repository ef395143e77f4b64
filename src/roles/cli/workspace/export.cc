#include "roles/cli/workspace/export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/files.h"
#include "roles/cli/bounds.h"
#include "roles/cli/builder/interruptible.h"
#include "roles/cli/log_stream.h"
#include "roles/cli/workspace/fetch.h"

namespace banger::roles::cli {

namespace {

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
  if (!damage.empty()) io.note(safe_text(damage) + "; so files that git ignores are not part of the patch");
}

Result<> deliver(Io& io, const workspace::Patch& patch, const GuestPlace& place, const ExportWish& wish) {
  for (const auto& name : patch.nested)
    io.note(fmt::format("the repository {} inside {} is not part of the patch", safe_text(name), place.text()));
  note_damage(io, patch.index_damage);
  bool nothing = is_empty(patch.file);
  if (nothing)
    io.note(fmt::format("nothing has changed in {}{}", place.text(),
                        wish.patch.paths.empty() ? "" : " at the named paths"));
  if (wish.output) TRY(copy_to(io, patch.file, *wish.output));
  if (!wish.apply_to || nothing) return {};
  TRY(workspace::apply_patch(io.env, *wish.apply_to, patch.file));
  io.note(fmt::format("applied to {}; 'git diff --cached' shows it", safe_text(*wish.apply_to)));
  return {};
}

}  // namespace

ExportWish export_wish(const Args& args) {
  return {.base = args.text("base-commit").value_or(""), .patch = {.paths = args.all("path")}};
}

Result<> export_workspace(Io& io, const GuestPlace& place, const ExportWish& wish) {
  // A mistake is told before the work.
  if (wish.apply_to) TRY(workspace::check_clean(io.env, *wish.apply_to));
  auto daemon = TRY(Daemon::connect(io));
  auto stage = TRY(make_stage(io));
  workspace::Patch patch;
  auto work = [&](const workspace::Comparison& comparison, const std::string&, const workspace::StopFlag&) -> Result<> {
    patch = TRY(in(place.text(), workspace::make_patch(comparison, stage.path(), wish.patch)));
    return {};
  };
  TRY(with_comparison(io, daemon, place, wish.base, work));
  return deliver(io, patch, place, wish);
}

}  // namespace banger::roles::cli
