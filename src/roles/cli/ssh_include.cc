#include "roles/cli/ssh_include.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "host/files.h"
#include "roles/cli/bounds.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kBegin = "# banger ssh-config: begin; --uninstall removes this block";
constexpr std::string_view kEnd = "# banger ssh-config: end";

std::string block(std::string_view path) { return fmt::format("{}\nInclude \"{}\"\n{}\n", kBegin, path, kEnd); }

struct Line {
  std::size_t begin = 0, end = 0;  ///< `end` is behind the line break
};

/// The next line of exactly this text, whatever its line break.
std::optional<Line> find_line(std::string_view text, std::string_view wanted, std::size_t from) {
  for (std::size_t at = from; at < text.size();) {
    auto newline = text.find('\n', at);
    auto end = newline == text.npos ? text.size() : newline + 1;
    auto line = text.substr(at, end - at);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line == wanted) return Line{at, end};
    at = end;
  }
  return std::nullopt;
}

struct UserConfig {
  std::string path;  ///< of the file itself, behind all symlinks
  std::string text;
  std::optional<struct stat> info;  ///< nullopt: there is no file yet
};

Result<std::string> behind_links(const std::string& path) {
  struct Free {
    void operator()(char* text) const { ::free(text); }
  };
  std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  if (real) return std::string(real.get());
  struct stat info{};
  if (errno == ENOENT && ::lstat(path.c_str(), &info) < 0) return path;
  return std::unexpected(fail_errno(path).error().with_hint("correct the symlink, or remove it"));
}

Result<UserConfig> read_config(const std::string& home) {
  UserConfig config{.path = TRY(behind_links(home + "/.ssh/config")), .text = {}, .info = {}};
  struct stat info{};
  if (::stat(config.path.c_str(), &info) < 0)
    return errno == ENOENT ? Result<UserConfig>(std::move(config)) : fail_errno(config.path);
  config.text = TRY(host::read_regular_file(config.path, limits::kUserSshConfigBytes));
  config.info = info;
  return config;
}

/// A new file under a name of its own, then a rename. So ssh never reads half a file.
Result<> write_new(const std::string& fresh, const UserConfig& config, std::string_view text) {
  auto file = TRY(host::open_file(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600));
  TRY(in(fresh, host::write_all(file.get(), text)));
  if (config.info) {
    const auto& info = *config.info;
    bool other_owner = info.st_uid != ::geteuid() || info.st_gid != ::getegid();
    if (other_owner && ::fchown(file.get(), info.st_uid, info.st_gid) < 0) return fail_errno(fresh);
    if (::fchmod(file.get(), info.st_mode & 07777) < 0) return fail_errno(fresh);
  }
  if (::fsync(file.get()) < 0 || ::rename(fresh.c_str(), config.path.c_str()) < 0) return fail_errno(config.path);
  return {};
}

Result<Edit> replace(const UserConfig& config, std::string_view text, std::string_view by_hand) {
  if (text == config.text) return Edit::unchanged;
  if (config.info && !(config.info->st_mode & S_IWUSR))
    return fail(ErrorCode::denied, fmt::format("{} is read-only", config.path), std::string(by_hand));
  auto fresh = fmt::format("{}.banger-{}", config.path, host::random_id());
  auto written = write_new(fresh, config, text);
  if (written) return Edit::changed;
  ::unlink(fresh.c_str());
  return std::unexpected(std::move(written.error()).with_hint(std::string(by_hand)));
}

}  // namespace

std::string without_include(std::string_view text) {
  std::string kept(text);
  for (auto begin = find_line(kept, kBegin, 0); begin; begin = find_line(kept, kBegin, begin->begin)) {
    auto end = find_line(kept, kEnd, begin->end);
    if (!end) break;
    kept.erase(begin->begin, end->end - begin->begin);
  }
  return kept;
}

std::string with_include(std::string_view text, std::string_view path) { return block(path) + without_include(text); }

bool has_include(std::string_view text, std::string_view path) { return text.starts_with(block(path)); }

Result<Edit> install_include(const std::string& home, std::string_view path) {
  auto config = TRY(read_config(home));
  if (!config.info) TRY(host::make_directories(home + "/.ssh", 0700));
  return replace(config, with_include(config.text, path),
                 fmt::format("write this line at its top yourself: Include \"{}\"", path));
}

Result<Edit> uninstall_include(const std::string& home) {
  auto config = TRY(read_config(home));
  return replace(config, without_include(config.text), "remove banger's block yourself");
}

bool is_included(const std::string& home, std::string_view path) {
  auto config = read_config(home);
  return config && has_include(config->text, path);
}

}  // namespace banger::roles::cli
