#include "image/apt/apt.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"

namespace banger::image {

namespace fs = std::filesystem;

namespace {

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The value of the first `Field: value` line of deb822 text, or "".
std::string_view field_of(std::string_view text, std::string_view name) {
  for (auto line : split(text, '\n'))
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return trim(line.substr(name.size() + 1));
  return {};
}

struct Downloaded {
  std::uint64_t bytes = 0;
  std::string deb;
};

/// The content of the download directory: apt's partial file (of any name), later the package.
Downloaded look_in(const std::string& directory) {
  Downloaded found;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    found.bytes += host::disk_usage(at->path().string());
    if (at->path().extension() == ".deb") found.deb = at->path().string();
  }
  return found;
}

}  // namespace

std::optional<AptPackage> find_dependency(std::string_view depends, std::string_view prefix) {
  for (auto item : split(depends, ',')) {
    item = trim(item);
    if (!item.starts_with(prefix)) continue;
    AptPackage package;
    package.name = std::string(item.substr(0, item.find_first_of(" (:|")));
    constexpr std::string_view kExactly = "(= ";
    if (auto at = item.find(kExactly); at != item.npos) {
      auto rest = item.substr(at + kExactly.size());
      package.version = std::string(trim(rest.substr(0, rest.find(')'))));
    }
    return package;
  }
  return std::nullopt;
}

Result<> Apt::check() const {
  for (std::string_view program : {"apt-get", "apt-cache"})
    if (!host::find_program(program, path_variable_))
      return fail(ErrorCode::unsupported, fmt::format("{} is not installed on this host", program),
                  "copy a kernel to this host and use 'banger kernel import NAME --vmlinux FILE'");
  return {};
}

Task<Result<host::Output>> Apt::run(std::string program, std::vector<std::string> arguments, host::Deadline deadline,
                                    std::string cwd, ToolTick tick) {
  ToolRun tool{{}, deadline, std::move(tick)};
  // As root, apt would download as the user _apt, who cannot reach a private directory. It would warn and continue as
  // root.
  tool.spec.argv = {std::move(program), "-q", "-o", "APT::Sandbox::User=root"};
  if (private_lists_) {
    for (auto& option : {"Dir::State::Lists=" + private_directory_ + "/lists",
                         "Dir::Cache=" + private_directory_ + "/cache", std::string("Acquire::Languages=none")}) {
      tool.spec.argv.push_back("-o");
      tool.spec.argv.push_back(option);
    }
  }
  tool.spec.argv.insert(tool.spec.argv.end(), arguments.begin(), arguments.end());
  tool.spec.env = tool_environment(path_variable_);
  tool.spec.cwd = std::move(cwd);
  co_return co_await run_tool(runtime_, std::move(tool), cancel_);
}

Task<Result<>> Apt::use_private_lists() {
  for (const char* part : {"/lists/partial", "/cache/archives/partial"})
    CO_TRY(host::make_directories(private_directory_ + part, 0700));
  private_lists_ = true;
  auto output = CO_TRY(co_await run("apt-get", {"update"}, host::after(limits::kAptUpdateDeadline)));
  // One broken source, or the host's own hooks, make apt-get update fail as a whole. What matters is whether apt finds
  // the package afterwards.
  if (output.status.shell_code() != 0 && output.out.find("Get:") == output.out.npos &&
      output.out.find("Hit:") == output.out.npos)
    co_return tool_failed("fetch package lists with apt-get update", output);
  co_return Result<>();
}

Task<Result<AptPackage>> Apt::dependency_of(std::string package, std::string prefix) {
  auto deadline = host::after(limits::kAptQueryDeadline);
  auto policy = CO_TRY(co_await run("apt-cache", {"policy", package}, deadline));
  std::string candidate;
  for (auto line : split(policy.out, '\n'))
    if (auto text = trim(line); text.starts_with("Candidate:")) candidate = std::string(trim(text.substr(10)));
  if (candidate.empty() || candidate == "(none)")
    co_return fail(ErrorCode::not_found, fmt::format("apt knows no package {}", package),
                   "add Debian's package sources to the host, or use 'banger kernel import'");
  auto show = CO_TRY(co_await run("apt-cache", {"show", package + "=" + candidate}, deadline));
  if (show.status.shell_code() != 0) co_return tool_failed(fmt::format("look up package {}", package), show);
  auto found = find_dependency(field_of(show.out, "Depends"), prefix);
  if (!found)
    co_return fail(ErrorCode::corrupt, fmt::format("package {} {} depends on no {}*", package, candidate, prefix));
  std::string wanted = found->version.empty() ? found->name : found->name + "=" + found->version;
  show = CO_TRY(co_await run("apt-cache", {"show", "--no-all-versions", wanted}, deadline));
  if (show.status.shell_code() != 0) co_return tool_failed(fmt::format("look up package {}", wanted), show);
  if (found->version.empty()) found->version = std::string(field_of(show.out, "Version"));
  found->size_bytes = to_number(field_of(show.out, "Size"));
  co_return *found;
}

Task<Result<std::string>> Apt::download(AptPackage package, std::string directory, DownloadProgress progress) {
  auto tick = [progress, directory, package](std::string_view) {
    auto bytes = look_in(directory).bytes;
    int percent =
        package.size_bytes == 0 ? -1 : static_cast<int>(std::min<std::uint64_t>(100, bytes * 100 / package.size_bytes));
    progress(fmt::format("{} {}", package.name, package.version), percent);
  };
  auto output = CO_TRY(co_await run("apt-get", {"download", package.name + "=" + package.version},
                                    host::after(limits::kAptDownloadDeadline), directory, tick));
  if (output.status.shell_code() != 0) co_return tool_failed(fmt::format("download {}", package.name), output);
  auto found = look_in(directory);
  if (found.deb.empty())
    co_return fail(ErrorCode::internal, fmt::format("apt-get download left no {} in {}", package.name, directory));
  co_return found.deb;
}

}  // namespace banger::image
