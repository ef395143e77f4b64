// The rule for a root's init, on a root that is only a table.
#include "guest/init.h"

#include <map>

#include "catch.h"

using namespace banger::guest;

namespace {

struct Table : RootFiles {
  std::map<std::string, std::string> programs;  ///< path → the name behind all symlinks
  std::map<std::string, std::string> texts;

  std::string program_name(const std::string& path) const override {
    auto found = programs.find(path);
    return found == programs.end() ? "" : found->second;
  }
  bool exists(const std::string& path) const override { return programs.contains(path) || texts.contains(path); }
  std::optional<std::string> read(const std::string& path) const override {
    auto found = texts.find(path);
    return found == texts.end() ? std::nullopt : std::optional(found->second);
  }
};

std::string found(const Table& root) {
  auto init = find_init(root);
  return init.path + " " + std::string(to_string(init.kind));
}

}  // namespace

TEST_CASE("init: the program behind /sbin/init decides") {
  for (auto [program, kind] : {std::pair{"systemd", "systemd"},
                               {"openrc-init", "openrc"},
                               {"runit-init", "runit"},
                               {"runit", "runit"},
                               {"dinit", "other"}}) {
    Table root;
    root.programs["/sbin/init"] = program;
    root.programs["/etc/runit/2"] = "2";
    CHECK(found(root) == std::string("/sbin/init ") + kind);
  }
}

TEST_CASE("init: a root without an init has none, and systemd needs no link") {
  Table root;
  CHECK(found(root) == " none");
  root.programs["/usr/lib/systemd/systemd"] = "systemd";
  CHECK(found(root) == "/usr/lib/systemd/systemd systemd");
  root.programs["/etc/init"] = "dinit";
  CHECK(found(root) == "/etc/init other");
}

TEST_CASE("init: busybox counts only if it is set up") {
  Table root;
  root.programs["/sbin/init"] = "busybox.static";
  CHECK(found(root) == " none");
  root.texts["/etc/init.d/rcS"] = "";
  CHECK(found(root) == "/sbin/init busybox");
  root.texts["/etc/inittab"] = "::sysinit:/sbin/openrc sysinit\n";
  CHECK(found(root) == " none");
  root.programs["/sbin/openrc"] = "openrc";
  CHECK(found(root) == "/sbin/init openrc");
}

TEST_CASE("init: busybox does not count if an inittab begins with programs that are missing") {
  Table root;
  root.programs["/sbin/init"] = "busybox";
  auto with = [&](const char* inittab) {
    root.texts["/etc/inittab"] = inittab;
    return found(root);
  };
  CHECK(with("::sysinit:/etc/init.d/rcS\ntty1::respawn:/bin/sh\n") == " none");
  CHECK(with("# ::sysinit:/bin/sh\n ::sysinit:-/bin/missing -l \n") == " none");
  root.programs["/bin/mount"] = "busybox";
  CHECK(with("::sysinit:/etc/init.d/rcS\n::sysinit:/bin/mount -a\n") == "/sbin/init busybox");
  CHECK(with("::sysinit:mount -a\n") == "/sbin/init busybox");
  CHECK(with("::sysinit\n:::\n\n") == "/sbin/init busybox");
}

TEST_CASE("init: runit does not count without its stages") {
  Table root;
  root.programs["/sbin/init"] = "runit-init";
  CHECK(found(root) == " none");
}

TEST_CASE("init: an unknown program with OpenRC beside it is OpenRC") {
  Table root;
  root.programs["/sbin/init"] = "init";
  root.programs["/sbin/openrc"] = "openrc";
  CHECK(found(root) == "/sbin/init openrc");
}
