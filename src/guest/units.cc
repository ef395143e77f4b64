#include "guest/units.h"

#include <fmt/format.h>

#include "base/text.h"
#include "guest/bounds.h"

namespace banger::guest {

namespace {

// systemd.unit(5), "Unit File Load Path": the directories that survive a boot.
constexpr const char* kUnitDirectories[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
                                            "/usr/lib/systemd/system", "/lib/systemd/system"};

struct UnitFile {
  std::string path, text;
};

// "getty@tty1.service" is an instance of the template "getty@.service".
std::string template_of(const std::string& name) {
  auto at = name.find('@');
  if (at == name.npos) return name;
  return name.substr(0, at + 1) + name.substr(name.rfind('.'));
}

Result<UnitFile> find_unit(const Root& root, const std::string& name) {
  for (const auto& file : {name, template_of(name)}) {
    for (const char* directory : kUnitDirectories) {
      std::string path = fmt::format("{}/{}", directory, file);
      if (auto text = root.read_file(path, limits::kUnitFileBytes)) return UnitFile{path, std::move(*text)};
    }
  }
  return fail(ErrorCode::not_found, fmt::format("the guest has no unit '{}'", name));
}

}  // namespace

bool has_systemd(const Root& root) {
  return root.exists("/usr/lib/systemd/systemd") || root.exists("/lib/systemd/systemd");
}

std::vector<std::string> install_directories(std::string_view unit_file) {
  std::vector<std::string> directories;
  bool installing = false;
  for (std::string_view line : split(unit_file, '\n')) {
    line = trim(line);
    if (line.starts_with('[')) installing = line == "[Install]";
    auto equals = line.find('=');
    if (!installing || equals == line.npos) continue;
    std::string_view key = trim(line.substr(0, equals));
    std::string_view kind = key == "WantedBy" ? "wants" : key == "RequiredBy" ? "requires" : "";
    if (kind.empty()) continue;
    for (std::string_view word : split(trim(line.substr(equals + 1)), ' '))
      if (!word.empty() && word.find('/') == word.npos) directories.push_back(fmt::format("{}.{}", word, kind));
  }
  return directories;
}

Result<bool> apply_unit(const Root& root, const Root& links, const std::string& directory, const guestcfg::Unit& unit) {
  if (unit.action == guestcfg::Unit::Action::mask)
    return links.write_symlink("/dev/null", fmt::format("{}/{}", directory, unit.name));
  auto file = TRY(find_unit(root, unit.name));
  auto wanted = install_directories(file.text);
  if (wanted.empty()) wanted.push_back("multi-user.target.wants");
  bool changed = false;
  for (const auto& name : wanted)
    changed |= TRY(links.write_symlink(file.path, fmt::format("{}/{}/{}", directory, name, unit.name)));
  return changed;
}

}  // namespace banger::guest
