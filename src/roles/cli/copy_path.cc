// The rules for the names of a copy, as pure functions.
#include <fmt/format.h>

#include "base/bounds.h"
#include "base/text.h"
#include "roles/cli/copy.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kGuestHome = "/root";

// Removes trailing slashes and "/." from the path, and remembers them in its flags.
void take_ending(CopyPath& path) {
  for (;;) {
    if (path.path.size() > 1 && path.path.ends_with('/')) {
      path.path.pop_back();
      path.directory = true;
    } else if (path.path.ends_with("/.")) {
      path.path.resize(path.path.size() - 1);
      path.contents = path.directory = true;
    } else {
      break;
    }
  }
  // "." and ".." are no names. As with cp, their files are copied.
  if (path.path == "." || path.path == ".." || path.path.ends_with("/..")) path.contents = path.directory = true;
}

}  // namespace

std::string CopyPath::name() const { return path.substr(path.rfind('/') + 1); }

std::string CopyPath::parent() const {
  auto at = path.rfind('/');
  if (at == path.npos) return ".";
  return at == 0 ? "/" : path.substr(0, at);
}

std::string CopyPath::text() const { return vm.empty() ? safe_text(path) : fmt::format("{}:{}", vm, safe_text(path)); }

Result<CopyPath> parse_copy_path(std::string_view text) {
  if (text.empty()) return fail(ErrorCode::invalid, "an empty path cannot be copied");
  if (text.size() > limits::kPathBytes) return fail(ErrorCode::invalid, "a path is too long");
  CopyPath path;
  auto colon = text.find(':');
  bool in_guest = colon != text.npos && colon > 0 && text.substr(0, colon).find('/') == text.npos;
  if (in_guest) {
    path.vm = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  path.path = text;
  if (in_guest && !path.path.starts_with('/'))
    path.path = path.path.empty() ? std::string(kGuestHome) : fmt::format("{}/{}", kGuestHome, path.path);
  take_ending(path);
  return path;
}

Result<Landing> landing_of(const CopyPath& source, Found source_is, const CopyPath& target, Found target_is,
                           Sources sources) {
  if (source_is == Found::nothing)
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such file or directory", source.text()));
  if (source.directory && source_is != Found::directory)
    return fail(ErrorCode::invalid, fmt::format("{} is not a directory", source.text()));
  if (target_is == Found::directory) return Landing{target.path, source.contents ? "." : source.name()};
  if (sources == Sources::several)
    return fail(ErrorCode::invalid,
                fmt::format("{} is not a directory, so several files cannot be copied to it", target.text()));
  if (target_is == Found::file && source_is == Found::directory)
    return fail(ErrorCode::invalid,
                fmt::format("cannot copy the directory {} onto the file {}", source.text(), target.text()));
  if (target.directory && (source_is != Found::directory || target.contents))
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such directory", target.text()),
                "create the directory first, or leave out the last '/'");
  return Landing{target.parent(), target.name(), true};
}

}  // namespace banger::roles::cli
