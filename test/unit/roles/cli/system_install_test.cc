// A system install into an empty tree: its files, the files that it must not change, and the uninstall.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "catch.h"
#include "host/files.h"
#include "roles/cli/system/install.h"
#include "roles/cli/system/privileges_page.h"
#include "roles/cli/system/services.h"
#include "roles/cli/system/units.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::roles::cli;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  REQUIRE(host::write_file(path, text, 0644));
}

struct Tree {
  Tree() {
    places.destdir = root;
    write(root / "etc/passwd",
          "root:x:0:0::/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/"
          "sh\nodd:x:9:9::/home/o dd:/bin/sh\n");
    write(root / "v1", "first program");
    write(root / "v2", "second program");
    before = files();
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      auto name = entry.path().lexically_relative(root).string();
      if (entry.is_symlink())
        found[name] = "-> " + fs::read_symlink(entry.path()).string();
      else if (entry.is_directory())
        found[name] = "/";
      else
        found[name] = host::read_file(entry.path(), 1 << 20).value_or("?");
    }
    return found;
  }
  Result<InstallReport> install(const std::string& owner = "ana", const char* program = "v1") const {
    return install_files(places, owner, root / program);
  }

  test::TempDir directory;
  fs::path root = directory.path();
  InstallPlaces places;
  std::map<std::string, std::string> before;
};

}  // namespace

TEST_CASE("system install: writes all files, and changes nothing the second time") {
  Tree tree;
  auto report = tree.install();
  REQUIRE(report);
  CHECK(report->program_changed);
  CHECK(report->units_changed);
  auto made = tree.files();
  CHECK(made["usr/lib/banger/banger"] == "first program");
  CHECK(made["usr/bin/bangerd-root"] == "-> ../lib/banger/banger");
  CHECK(made["etc/banger/install.toml"].find("owner = \"ana\"") != std::string::npos);
  CHECK(made["etc/banger/install.toml"].find("/home/ana/.local/state/banger") != std::string::npos);
  CHECK(made["etc/systemd/system/bangerd.service"].find("User=ana\n") != std::string::npos);
  CHECK(made.contains("etc/systemd/system/bangerd-root.socket"));
  struct stat info{};
  REQUIRE(::stat(tree.places.program().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0755);
  REQUIRE(::stat(tree.places.install_file().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0644);

  auto again = tree.install();
  REQUIRE(again);
  CHECK(again->lines.empty());
  CHECK_FALSE(again->program_changed);
  CHECK_FALSE(again->units_changed);
  CHECK(tree.files() == made);
}

TEST_CASE("system install: an upgrade keeps the programs of jails, and options change them") {
  Tree tree;
  REQUIRE(install_files(tree.places, "ana", tree.root / "v1",
                        {.jailer = "/opt/jailer", .firecracker = "/opt/firecracker"}));
  auto made = tree.files();
  CHECK(made["etc/banger/install.toml"].find("jailer = \"/opt/jailer\"\nfirecracker = \"/opt/firecracker\"\n") !=
        std::string::npos);
  CHECK(made["etc/systemd/system/bangerd-root.service"].find("RestrictNamespaces=mnt") != std::string::npos);
  REQUIRE(tree.install(""));
  CHECK(tree.files() == made);
  auto other =
      install_files(tree.places, "", tree.root / "v1", {.jailer = "/opt/other", .firecracker = "/opt/firecracker"});
  REQUIRE(other);
  CHECK(other->units_changed);  // so that the helper is restarted
  CHECK(tree.files()["etc/banger/install.toml"].find("/opt/other") != std::string::npos);
}

TEST_CASE("system install: an upgrade keeps the old program and the administrator's settings") {
  Tree tree;
  REQUIRE(tree.install());
  auto edited = host::read_file(tree.places.install_file(), 1 << 20).value_or("") + "";
  edited.replace(edited.find("br-banger"), 9, "br-vms");
  write(tree.places.install_file(), edited);
  auto report = tree.install("", "v2");
  REQUIRE(report);
  CHECK(report->program_changed);
  CHECK_FALSE(report->units_changed);
  auto made = tree.files();
  CHECK(made["usr/lib/banger/banger"] == "second program");
  CHECK(made["usr/lib/banger/banger.old"] == "first program");
  CHECK(made["etc/banger/install.toml"] == edited);
}

TEST_CASE("system install: uninstall removes exactly the files of the install") {
  Tree tree;
  REQUIRE(tree.install());
  REQUIRE(tree.install("ana", "v2"));
  REQUIRE(uninstall_files(tree.places));
  auto after = tree.files();
  for (auto directory : {"etc/systemd", "etc/systemd/system", "usr", "usr/bin", "usr/lib"})
    after.erase(directory);  // these directories belong to the system
  CHECK(after == tree.before);
  auto again = uninstall_files(tree.places);
  REQUIRE(again);
  CHECK(again->lines.empty());
}

TEST_CASE("system install: other files are never overwritten, and the install is not left half done") {
  for (auto* path : {"etc/systemd/system/bangerd.service", "etc/banger/install.toml", "usr/lib/banger/banger",
                     "usr/lib/banger/README"}) {
    INFO(path);
    Tree tree;
    write(tree.root / path, "someone's own\n");
    auto before = tree.files();
    auto report = tree.install();
    REQUIRE_FALSE(report);
    CHECK(tree.files() == before);
  }
  Tree tree;
  write(tree.root / "usr/bin/banger", "a package's");
  auto report = tree.install();
  REQUIRE(report);
  CHECK(tree.files()["usr/bin/banger"] == "a package's");
  fs::create_symlink("/elsewhere", tree.root / "etc/systemd/system/other");
  write(tree.places.unit(kDaemonUnit), "[Unit]\n# changed into another's\n");
  write(tree.root / "usr/lib/banger/note", "mine");
  REQUIRE(uninstall_files(tree.places));
  auto left = tree.files();
  CHECK(left.contains("usr/bin/banger"));
  CHECK(left.contains("etc/systemd/system/bangerd.service"));
  CHECK(left.contains("usr/lib/banger/note"));
  CHECK_FALSE(left.contains("usr/lib/banger/banger"));
}

TEST_CASE("system install: a unit that is a symlink is not followed") {
  Tree tree;
  write(tree.root / "target", std::string(kOursLine));
  fs::create_directories(tree.root / "etc/systemd/system");
  fs::create_symlink(tree.root / "target", tree.places.unit(kDaemonUnit));
  CHECK(tree.install().error().code == ErrorCode::exists);
  CHECK(tree.files()["target"] == kOursLine);
}

TEST_CASE("system install: invalid owners are refused before a file is written") {
  Tree tree;
  CHECK(tree.install("root").error().code == ErrorCode::denied);
  CHECK(tree.install("nobody-here").error().code == ErrorCode::not_found);
  CHECK(tree.install("odd").error().code == ErrorCode::unsupported);
  CHECK(tree.install("").error().code == ErrorCode::not_found);
  CHECK(tree.files() == tree.before);
  REQUIRE(tree.install());
  CHECK(tree.install("bob").error().code == ErrorCode::exists);
}

TEST_CASE("system units: the helper keeps the powers of its operations, and VMs outlive the daemon") {
  host::User ana{"ana", 1000, 1000, "/home/ana"};
  auto units = unit_files(ana, "/usr/lib/banger/banger", {});
  REQUIRE(units.size() == 3);
  for (const auto& unit : units) CHECK(unit.text.starts_with(kOursLine));
  CHECK(
      units[1].text.find("CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_NET_ADMIN CAP_SYS_ADMIN CAP_MKNOD\n") !=
      std::string::npos);
  CHECK(units[2].text.find("KillMode=process\n") != std::string::npos);
  for (const auto& directory : owner_directories(ana)) CHECK(units[2].text.find(directory) != std::string::npos);
  CHECK(capability_names_of(1ULL << 12 | 1ULL << 63) == std::vector<std::string>{"CAP_NET_ADMIN", "63"});
  // Only an install with jails has these lines. systemd uses the last line for a setting.
  auto jails = unit_files(ana, "/usr/lib/banger/banger",
                          {.owner = "ana", .roots = {"/home/ana/x"}, .jailer = "/j", .firecracker = "/f"});
  CHECK(jails[1].text.starts_with(units[1].text));
  CHECK(jails[1].text.find("ReadWritePaths=-/home/ana/x\n") != std::string::npos);
  CHECK(jails[1].text.find("CAP_SETUID") != std::string::npos);
  CHECK(units[1].text.find("CAP_SETUID") == std::string::npos);
  CHECK(jails[0].text == units[0].text);
  CHECK(jails[2].text == units[2].text);
  auto page = privileges_page();
  CHECK(page.find("### `helper.version`") != std::string::npos);
}

TEST_CASE("system services: only older services are restarted, and the socket never is") {
  std::vector<std::string> said;
  std::string active = "active";
  RunTool tool = [&](const std::vector<std::string>& argv) -> Result<std::string> {
    if (argv[1] == "show") return active + "\n";
    std::string line;
    for (std::size_t i = 1; i < argv.size(); ++i) line += (i > 1 ? " " : "") + argv[i];
    said.push_back(line);
    return "";
  };
  std::string enable = "enable --quiet bangerd-root.socket bangerd.service";
  REQUIRE(start_services(tool, {}));
  CHECK(said == std::vector<std::string>{enable});
  said.clear();
  InstallReport changed;
  changed.program_changed = true;
  REQUIRE(start_services(tool, changed));
  CHECK(said == std::vector<std::string>{enable, "restart bangerd-root.service", "restart bangerd.service"});
  said.clear();
  active = "inactive";
  changed.units_changed = true;
  REQUIRE(start_services(tool, changed));
  CHECK(said == std::vector<std::string>{"daemon-reload", enable, "start bangerd-root.socket",
                                         "start bangerd-root.service", "start bangerd.service"});
}
