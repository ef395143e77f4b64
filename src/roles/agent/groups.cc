#include "roles/agent/groups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

bool has_process(const std::string& group, pid_t pid) {
  auto text = host::read_file(group + "/cgroup.procs", limits::kFrozenListBytes).value_or("");
  for (auto line : split(text, '\n'))
    if (line == std::to_string(pid)) return true;
  return false;
}

}  // namespace

std::string find_cgroup2(std::string_view mountinfo) {
  for (auto line : split(mountinfo, '\n')) {
    auto optional_end = line.find(" - ");
    if (optional_end == line.npos || !line.substr(optional_end + 3).starts_with("cgroup2 ")) continue;
    auto fields = split(line, ' ');
    if (fields.size() > 4 && fields[3] == "/") return std::string(fields[4]);
  }
  return "";
}

// Not host::write_file(), which writes a temporary file and renames it.
Result<> put_control(const std::string& path, std::string_view text) {
  auto file = TRY(host::open_file(path, O_WRONLY));
  if (auto written = host::write_all(file.get(), text); !written) return in(path, std::move(written));
  return {};
}

// systemd keeps the agent in init.scope, together with itself.
Result<std::string> move_agent(const std::string& root) {
  auto group = fmt::format("{}/{}", root, kAgentGroup);
  if (::mkdir(group.c_str(), 0755) < 0 && errno != EEXIST) return fail_errno(group);
  if (!has_process(group, ::getpid())) TRY(put_control(group + "/cgroup.procs", std::to_string(::getpid())));
  if (pid_t keeper = ::getppid(); keeper > 1 && !has_process(group, keeper))
    TRY(put_control(group + "/cgroup.procs", std::to_string(keeper)));
  if (!has_process(group, ::getpid()))
    return fail(ErrorCode::internal, fmt::format("the agent could not be moved to {}", group));
  return group;
}

}  // namespace banger::roles::agent
