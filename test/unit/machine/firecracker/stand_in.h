// What the Firecracker tests share: the stand-in of test/fakes as the installed Firecracker, in any version.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/firecracker/firecracker.h"
#include "machine/support.h"

namespace banger::machine::firecracker {

struct Fixture {
  /// `settings`: environment variables of the stand-in, like "BANGER_FAKE_VERSION=1.12.0".
  explicit Fixture(std::vector<std::string> settings = {})
      : log(::open("/dev/null", O_WRONLY | O_CLOEXEC)), logger(log.get()) {
    std::string script = "#!/bin/sh\n";
    for (const auto& setting : settings) script += "export " + setting + "\n";
    script += fmt::format("exec {}/firecracker \"$@\"\n", BANGER_FAKES);
    binary = tools.path() + "/firecracker";
    REQUIRE(host::write_file(binary, script, 0700));
    auto probed = run(runtime, probe_firecracker(runtime, {.binary = binary, .path_variable = ""}));
    REQUIRE(probed);
    facts = *probed;
    driver = make_driver(runtime, logger, facts);
  }
  ~Fixture() {
    for (const auto& token : tokens)
      if (auto left = find_process_by_token(token)) ::kill(left->pid, SIGKILL);
  }
  /// A machine in a directory of its own with a shared and a private disk.
  MachineConfig config(const std::string& name = "vm") {
    auto directory = tools.path() + "/" + name;
    REQUIRE(host::make_directories(directory, 0700));
    REQUIRE(host::write_file(tools.path() + "/kernel", "kernel"));
    REQUIRE(host::write_file(tools.path() + "/agent.cpio", "agent"));
    REQUIRE(host::write_file(tools.path() + "/rootfs.ext4", std::string(4096, 'r'), 0400));
    if (::access((directory + "/system.img").c_str(), F_OK) < 0)
      REQUIRE(host::make_sparse_file(directory + "/system.img", 1 << 20));
    tokens.push_back(to_hex(host::random_bytes(16)));
    MachineConfig config{.id = name,
                         .token = tokens.back(),
                         .directory = directory,
                         .memory_bytes = 64ull << 20,
                         .kernel = tools.path() + "/kernel"};
    config.initrds = {tools.path() + "/agent.cpio"};
    config.drives = {{.serial = "rootfs", .path = tools.path() + "/rootfs.ext4", .read_only = true},
                     {.serial = "system", .path = directory + "/system.img"}};
    return config;
  }
  Result<std::unique_ptr<Machine>> start(const MachineConfig& what, const StartObserver& observer = {}) {
    return run(runtime, driver->start(what, observer));
  }
  SavedState saved() const { return {.devices = tools.path() + "/devices", .memory = tools.path() + "/memory"}; }

  TempDir tools;
  UniqueFd log;
  Logger logger;
  host::Runtime runtime;
  std::string binary;
  std::vector<std::string> tokens;
  FirecrackerFacts facts;
  std::unique_ptr<Driver> driver;
};

inline std::string text_of(const std::string& path) { return host::read_file(path, 1 << 20).value_or(""); }

/// Whether bytes that are sent over the link come back: the stand-in's guest is an echo.
inline bool echoes(int link) {
  ::fcntl(link, F_SETFL, 0);  // waiting, whatever the driver did with it
  char answer[5] = {};
  if (::write(link, "hello", 5) != 5) return false;
  for (std::size_t got = 0; got < 5;) {
    ssize_t n = ::read(link, answer + got, 5 - got);
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return std::string_view(answer, 5) == "hello";
}

}  // namespace banger::machine::firecracker
