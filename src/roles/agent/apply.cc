#include "roles/agent/apply.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "capabilities/apply.h"
#include "guest/changes.h"
#include "guestcfg/bounds.h"
#include "host/files.h"
#include "roles/agent/apply_document.h"
#include "roles/agent/wall_clock.h"

namespace banger::roles::agent {

namespace {

Result<guestcfg::GuestConfig> read_config(const std::string& file) {
  bool input = file == "-";
  auto name = input ? std::string("standard input") : file;
  auto text = TRY(input ? host::read_all(STDIN_FILENO, name, limits::kGuestConfigBytes)
                        : host::read_file(file, limits::kGuestConfigBytes));
  auto slash = input ? std::string::npos : file.rfind('/');
  auto directory = slash == std::string::npos ? std::string() : file.substr(0, slash + 1);
  return read_apply_document(text, name, [&](const std::string& path) {
    return host::read_file(path.starts_with('/') ? path : directory + path, limits::kGuestConfigBytes);
  });
}

}  // namespace

Result<int> apply(const ApplyRequest& request) {
  if (request.root.empty() || request.file.empty())
    return fail(ErrorCode::invalid, "'apply' needs --root DIR and a FILE", "see banger-agent --help");
  auto config = TRY(read_config(request.file));
  Logger log(STDERR_FILENO, LogLevel::warn);
  using capabilities::ApplyMode;
  guest::Changes changes{.how = request.dry_run ? guest::Changes::Do::only_list : guest::Changes::Do::change,
                         .what = {}};
  capabilities::GuestTarget target{
      .root = request.root,
      .mode = request.root == "/" && !request.dry_run ? ApplyMode::live : ApplyMode::provision,
      .log = log,
      .first_boot = true,
      .changes = &changes};
  auto applied = capabilities::apply_all(target, config);
  if (applied) applied = capabilities::apply_later(target, config);
  if (applied) applied = WallClock().move(target.clock_step_ns);
  auto settled = capabilities::settle(target, config);
  TRY(std::move(applied));
  TRY(std::move(settled));
  if (request.dry_run)
    for (const auto& item : changes.what) fmt::print("{}\n", printable(item, SIZE_MAX));
  return request.detailed_exitcode && !changes.what.empty() ? kChangedStatus : 0;
}

}  // namespace banger::roles::agent
