#include "capabilities/apply.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "catch.h"
#include "support/sandbox.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

guestcfg::GuestConfig sample() {
  guestcfg::GuestConfig config;
  config.hostname = "web";
  config.hosts = {{"127.0.1.1", {"web", "web.vm"}}};
  config.machine_id = std::string(32, 'a');
  config.environment = {{"PLAIN", "x"}, {"QUOTED", "it's $HOME"}, {"TWO", "a\nb"}, {"a.b", "x"}};
  config.files = {{.path = "/etc/deep/er/file", .mode = 0640, .data = "content"}};
  config.keys = {{"root", {"ssh-ed25519 AAAA a"}}, {"ann", {"ssh-ed25519 BBBB b"}}};
  config.units = {{"ssh.service", guestcfg::Unit::Action::enable}, {"x.service", guestcfg::Unit::Action::mask}};
  return config;
}

void put_image(const test::TempDir& root) {
  root.put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nann:x:0:0::/home/ann:/bin/sh\n");
  root.put("etc/hosts", "127.0.0.1 localhost\n");
  root.put("home/ann/.ssh/authorized_keys", "ssh-rsa own\n");
  root.put("usr/lib/systemd/systemd", "");
  root.put("usr/lib/systemd/system/ssh.service", "[Install]\nWantedBy=multi-user.target\n");
}

/// Every path with kind, mode, inode and content. A second apply must change none of them.
std::string snapshot(const test::TempDir& root) {
  std::string text;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root.path()))
    paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    struct stat info{};
    ::lstat(path.c_str(), &info);
    text += path + " " + std::to_string(info.st_mode) + " " + std::to_string(info.st_ino) + "\n";
  }
  return text;
}

std::string run(const test::TempDir& root, ApplyMode mode, const guestcfg::GuestConfig& config,
                bool first_boot = false) {
  Logger quiet(-1);
  GuestTarget target{.root = root.path(), .mode = mode, .log = quiet, .first_boot = first_boot};
  auto applied = apply_all(target, config);
  auto later = apply_later(target, config), settled = settle(target, config);
  for (auto* result : {&later, &settled})
    if (applied) applied = std::move(*result);
  return applied ? "" : applied.error().sentence();
}

std::string expect(bool good, const char* what) { return good ? "" : std::string(what) + "; "; }

/// The part of the capability `ssh` in a guest that boots. All parts together would need disks.
std::string boot_ssh(const test::TempDir& root, const guestcfg::GuestConfig& config) {
  Logger quiet(-1);
  GuestTarget target{.root = root.path(), .mode = ApplyMode::boot, .log = quiet, .first_boot = true};
  auto ssh = std::ranges::find(all(), "ssh", &Capability::name);
  auto applied = (*ssh)->apply(target, config);
  return applied ? "" : applied.error().sentence();
}

std::string check_provisioned(const test::TempDir& root) {
  auto mode = [&](const char* path) {
    struct stat info{};
    return ::stat((root / path).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  };
  auto link = [&](const char* path) {
    std::error_code error;
    return std::filesystem::read_symlink(root / path, error).string();
  };
  return expect(root.get("etc/hostname") == "web\n", "hostname") +
         expect(root.get("etc/hosts") == "127.0.0.1 localhost\n# banger: begin\n127.0.1.1 web web.vm\n# banger: end\n",
                "hosts") +
         expect(root.get("etc/machine-id") == std::string(32, 'a') + "\n" && mode("etc/machine-id") == 0444,
                "machine-id") +
         expect(root.get("etc/environment") == "# banger: begin\nPLAIN=x\nQUOTED=\"it's $HOME\"\n# banger: end\n",
                "environment") +
         expect(root.get("etc/profile.d/banger.sh") ==
                    "export PLAIN=x\nexport QUOTED='it'\\''s $HOME'\nexport TWO='a\nb'\n",
                "profile") +
         expect(root.get("etc/deep/er/file") == "content" && mode("etc/deep/er/file") == 0640, "file") +
         expect(root.get("root/.ssh/authorized_keys").find("AAAA a") != std::string::npos &&
                    mode("root/.ssh/authorized_keys") == 0600 && mode("root/.ssh") == 0700,
                "root's keys") +
         expect(root.get("home/ann/.ssh/authorized_keys")
                    .starts_with("ssh-rsa own\n# banger: begin\nssh-ed25519 BBBB b\n"),
                "ann's keys") +
         expect(link("etc/systemd/system/x.service") == "/dev/null", "mask") +
         expect(link("etc/systemd/system/multi-user.target.wants/ssh.service") == "/usr/lib/systemd/system/ssh.service",
                "enable");
}

}  // namespace

TEST_CASE("apply: provisions a directory, and twice is once") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  put_image(root);
  CHECK(test::in_sandbox([&] {
          std::string failed = run(root, ApplyMode::provision, sample()) + check_provisioned(root);
          auto before = snapshot(root);
          failed += run(root, ApplyMode::provision, sample());
          return failed + expect(snapshot(root) == before, "the second apply changed something");
        }) == "");
}

TEST_CASE("apply: parts that left the config are gone after the next apply") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  put_image(root);
  CHECK(test::in_sandbox([&] {
          std::string failed = run(root, ApplyMode::provision, sample());
          auto fewer = sample();
          fewer.environment.clear();
          fewer.hosts.clear();
          fewer.keys[1].keys.clear();
          failed += run(root, ApplyMode::provision, fewer);
          return failed + expect(root.get("etc/hosts") == "127.0.0.1 localhost\n", "hosts") +
                 expect(root.get("etc/environment").empty(), "environment") +
                 expect(!std::filesystem::exists(root / "etc/profile.d/banger.sh"), "profile") +
                 expect(root.get("home/ann/.ssh/authorized_keys") == "ssh-rsa own\n", "keys");
        }) == "");
}

TEST_CASE("apply: one part fails, the others are applied, and the error is returned") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  put_image(root);
  CHECK(test::in_sandbox([&] {
          auto config = sample();
          config.keys.insert(config.keys.begin(), {"nobody-here", {"k"}});
          config.units.insert(config.units.begin(), {"nope.service", guestcfg::Unit::Action::enable});
          auto told = run(root, ApplyMode::provision, config);
          return expect(told == "keys of 'nobody-here': the guest has no user 'nobody-here'", told.c_str()) +
                 check_provisioned(root);
        }) == "");
}

TEST_CASE("apply: live sets the hostname and runs commands once for each list") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.hostname = "renamed";
          config.environment = {{"OUT", root / "out"}};
          config.run_once = {{"/bin/sh", "-c", "echo one >> $OUT"}, {"/bin/sh", "-c", "echo two >> $OUT"}};
          std::string failed = run(root, ApplyMode::live, config, true) + run(root, ApplyMode::live, config, true);
          char name[65] = "";
          ::gethostname(name, sizeof name);
          failed += expect(std::strcmp(name, "renamed") == 0, "hostname") +
                    expect(root.get("out") == "one\ntwo\n", "run_once ran wrongly");
          config.run_once = {{"/bin/sh", "-c", "exit 3"}, {"/bin/sh", "-c", "echo never >> $OUT"}};
          auto told = run(root, ApplyMode::live, config, true);
          return failed + expect(told.find("exit code 3") != std::string::npos, told.c_str()) +
                 expect(root.get("out") == "one\ntwo\n", "went on after a failure");
        }) == "");
}

TEST_CASE("apply: live, a clone without random bytes of its own is changed no further") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.entropy = "not hex";
          config.hostname = "renamed";
          config.run_once = {{"/bin/sh", "-c", "echo x > " + (root / "out")}};
          auto told = run(root, ApplyMode::live, config, true);
          return expect(told.starts_with("identity: ") && !told.starts_with("identity: identity"), told.c_str()) +
                 expect(std::filesystem::is_empty(root.path()), "something was written or run");
        }) == "");
}

TEST_CASE("apply: live, a network device that would reach nothing may be missing, any other may not") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  root.put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.interfaces = {{.mac = "52:54:00:00:01:2c", .address = "10.0.2.15/24", .index = 0}};
          auto left_out = run(root, ApplyMode::live, config);
          config.interfaces[0].gateway = "10.0.2.2";
          auto missing = run(root, ApplyMode::live, config);
          return left_out + expect(missing.starts_with("network: "), missing.c_str());
        }) == "");
}

TEST_CASE("apply: live, systemd re-reads its units when they changed and is left alone when not") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root, tools;
  root.put("usr/lib/systemd/systemd", "");
  tools.put("systemctl", "#!/bin/sh\necho \"$@\" >> " + (tools / "calls") + "\n");
  ::chmod((tools / "systemctl").c_str(), 0755);
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.environment = {{"PATH", tools.path() + ":/usr/bin:/bin"}};
          config.units = {{"x.service", guestcfg::Unit::Action::mask}};
          auto failed = run(root, ApplyMode::live, config) + run(root, ApplyMode::live, config);
          return failed + expect(tools.get("calls") == "daemon-reload\n", tools.get("calls").c_str());
        }) == "");
}

TEST_CASE("apply: the VM's host key takes the place of all others, and what comes later stays") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root, bare;
  root.put("etc/ssh/ssh_host_rsa_key", "the image's");
  root.put("etc/ssh/ssh_host_rsa_key.pub", "the image's");
  root.put("etc/ssh/ssh_host_ed25519_key", "the image's");
  root.put("etc/ssh/sshd_config", "x");
  auto there = [&](const char* name) { return std::filesystem::exists(root / (std::string("etc/ssh/") + name)); };
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.ssh_host_key = {"private\n", "public\n"};
          auto failed = run(root, ApplyMode::provision, config) + run(bare, ApplyMode::provision, config);
          struct stat info{};
          ::stat((root / "etc/ssh/ssh_host_ed25519_key").c_str(), &info);
          failed += expect(root.get("etc/ssh/ssh_host_ed25519_key") == "private\n", "private") +
                    expect((info.st_mode & 07777) == 0600, "mode") +
                    expect(root.get("etc/ssh/ssh_host_ed25519_key.pub") == "public\n", "public") +
                    expect(!there("ssh_host_rsa_key") && !there("ssh_host_rsa_key.pub"), "another key stayed") +
                    expect(there("sshd_config"), "more than keys went") +
                    expect(!std::filesystem::exists(bare / "etc/ssh"), "a guest without sshd was given keys");
          root.put("etc/ssh/ssh_host_ecdsa_key", "the user's");
          failed += run(root, ApplyMode::provision, config);
          return failed + expect(there("ssh_host_ecdsa_key"), "the user's key went");
        }) == "");
}

TEST_CASE("apply: live, a running sshd reads its new key and no old one") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  root.put("etc/ssh/sshd_config", "x");
  CHECK(test::in_sandbox([&] {
          // Bash under another name counts the signals.
          std::filesystem::copy_file("/bin/bash", root / "sshd");
          pid_t sshd = ::fork();
          if (sshd == 0) {
            ::signal(SIGHUP, SIG_DFL);  // a shell cannot trap what nohup has it ignore
            std::string script = "trap 'echo hup >> " + (root / "told") + "' HUP; echo > " + (root / "up") +
                                 "; while :; do sleep 0.02; done";
            ::execl((root / "sshd").c_str(), "sshd", "-c", script.c_str(), nullptr);
            ::_exit(127);
          }
          auto wait_for = [&](const char* file) {
            for (int i = 0; i < 3000 && root.get(file).empty(); ++i) ::usleep(10'000);
          };
          wait_for("up");
          root.put("run/sshd.pid", std::to_string(sshd) + "\n");
          guestcfg::GuestConfig config;
          config.ssh_host_key = {"private\n", "public\n"};
          auto failed = run(root, ApplyMode::live, config);
          wait_for("told");
          failed += run(root, ApplyMode::live, config);
          // Process numbers are reused: this process is not an sshd.
          root.put("run/sshd.pid", std::to_string(::getpid()) + "\n");
          config.ssh_host_key->private_key = "another\n";
          failed += run(root, ApplyMode::live, config);
          ::usleep(100'000);
          ::kill(sshd, SIGKILL);
          ::waitpid(sshd, nullptr, 0);
          return failed + expect(root.get("told") == "hup\n", root.get("told").c_str());
        }) == "");
}

TEST_CASE("apply: a booting guest with sshd lets its owner in, and its image's keys and settings stay") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root, bare;
  const std::string settings = "etc/ssh/sshd_config.d/00-banger.conf", keys = "root/.ssh/authorized_keys";
  root.put("etc/ssh/sshd_config.d/50-image.conf", "PasswordAuthentication yes\n");
  root.put(keys, "ssh-rsa AAAA the image's");
  CHECK(test::in_sandbox([&] {
          ::chmod((root / "root").c_str(), 0777);
          ::chmod((root / "root/.ssh").c_str(), 0777);
          guestcfg::GuestConfig config;
          config.keys = {{"root", {"ssh-ed25519 BBBB banger"}}};
          auto failed = boot_ssh(root, config) + boot_ssh(bare, config) + run(root, ApplyMode::provision, config) +
                        run(bare, ApplyMode::provision, config);
          auto mode = [&](const std::string& path) {
            struct stat info{};
            return ::stat((root / path).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
          };
          return failed +
                 expect(root.get(keys) ==
                            "ssh-rsa AAAA the image's\n# banger: begin\nssh-ed25519 BBBB banger\n# banger: end\n",
                        "keys") +
                 expect(mode("root") == 0755 && mode("root/.ssh") == 0700 && mode(keys) == 0600, "modes") +
                 expect(root.get(settings).starts_with("PermitRootLogin prohibit-password\n"), "settings") +
                 expect(root.get("etc/ssh/sshd_config.d/50-image.conf") == "PasswordAuthentication yes\n", "image") +
                 expect(!std::filesystem::exists(bare / "etc/ssh"), "a guest without sshd has settings of one") +
                 expect(std::filesystem::exists(bare / keys), "a guest without sshd has no key for a later one");
        }) == "");
}

TEST_CASE("apply: live, the keys of the template are not read again, and other keys replace them") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  const std::string keys = "root/.ssh/authorized_keys";
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config, before;
          config.keys = before.keys = {{"root", {"ssh-ed25519 AAAA banger"}}};
          Logger log(-1);
          GuestTarget target{.root = root.path(), .mode = ApplyMode::live, .log = log, .first_boot = false};
          target.before = &before;
          std::string failed = expect(is_brief(config, before), "keys that are there take long") +
                               expect(apply_all(target, config).has_value(), "the same keys") +
                               expect(!std::filesystem::exists(root / keys), "the same keys were written");
          before.keys = {{"root", {"ssh-ed25519 BBBB banger"}}};
          return failed + expect(!is_brief(config, before), "new keys are brief") +
                 expect(apply_all(target, config).has_value(), "new keys") +
                 expect(root.get(keys) == "# banger: begin\nssh-ed25519 AAAA banger\n# banger: end\n", "keys") +
                 expect(!std::filesystem::exists(root / "etc/ssh"), "settings in a running guest");
        }) == "");
}

TEST_CASE("apply: live, the journals stay this machine's when its id changes") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  std::string old_id(32, 'b'), new_id(32, 'a'), journal = "var/log/journal/";
  root.put("etc/machine-id", old_id + "\n");
  root.put(journal + old_id + "/system.journal", "entries");
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.machine_id = new_id;
          auto failed = run(root, ApplyMode::live, config) + run(root, ApplyMode::live, config);
          return failed + expect(root.get("etc/machine-id") == new_id + "\n", "machine-id") +
                 expect(root.get(journal + new_id + "/system.journal") == "entries", "not under the new id") +
                 expect(root.get(journal + old_id + "/system.journal") == "entries", "not under the old id") +
                 expect(std::filesystem::read_symlink(root / (journal + old_id)) == new_id, "no link");
        }) == "");
}

TEST_CASE("apply: live, plain files are overwritten where they are; what can wait is left to the end") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  std::string old_id(32, 'b'), new_id(32, 'a'), journal = "run/log/journal/";
  root.put("etc/machine-id", old_id + "\n");
  root.put("etc/hostname", "a-longer-name-than-the-next\n");
  root.put("etc/environment", "MINE=1\n");
  root.put(journal + old_id + "/system.journal", "entries");
  root.put("etc/ssh/ssh_host_rsa_key", "of the one before");
  CHECK(test::in_sandbox([&] {
          struct stat before{}, after{};
          ::stat((root / "etc/hostname").c_str(), &before);
          guestcfg::GuestConfig config, applied_before;
          config.hostname = "web";
          config.machine_id = new_id;
          config.environment = applied_before.environment = {{"SAME", "1"}};
          config.ssh_host_key = {"private\n", "public\n"};
          Logger log(-1);
          GuestTarget target{.root = root.path(), .mode = ApplyMode::live, .log = log, .first_boot = false};
          target.before = &applied_before;
          auto applied = apply_all(target, config);
          ::stat((root / "etc/hostname").c_str(), &after);
          std::string failed = applied ? "" : applied.error().sentence();
          failed +=
              expect(root.get("etc/hostname") == "web\n" && after.st_ino == before.st_ino, "hostname") +
              expect(root.get("etc/environment") == "MINE=1\n", "the environment that was there already was written") +
              expect(std::filesystem::exists(root / (journal + old_id + "/system.journal")), "journals came first") +
              expect(root.get("etc/ssh/ssh_host_rsa_key") != "", "other keys went first");
          applied = apply_later(target, config);
          return failed + expect(applied.has_value(), "later") +
                 expect(root.get(journal + new_id + "/system.journal") == "entries", "the journals did not move") +
                 expect(!std::filesystem::exists(root / "etc/ssh/ssh_host_rsa_key"), "another key stayed");
        }) == "");
}

TEST_CASE("apply: without first boot nothing is run, and provisioning never runs anything") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  CHECK(test::in_sandbox([&] {
          guestcfg::GuestConfig config;
          config.run_once = {{"/bin/sh", "-c", "echo x > " + (root / "out")}};
          auto failed = run(root, ApplyMode::live, config, false) + run(root, ApplyMode::provision, config, true);
          return failed + expect(!std::filesystem::exists(root / "out"), "something ran");
        }) == "");
}

TEST_CASE("apply: a boot without disks in the config ends with the reason") {
  if (!test::sandbox_available()) {
    WARN("no namespaces here");
    return;
  }
  test::TempDir root;
  CHECK(test::in_sandbox([&] { return run(root, ApplyMode::boot, {}); }) ==
        "system_disk: the guest config names no system disk");
}
