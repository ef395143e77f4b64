#include "guest/boot_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "guest/bounds.h"
#include "guest/disks.h"
#include "host/files.h"

namespace banger::guest {

namespace {

std::string booted_path() { return fmt::format("{}/booted", kSystemDisk); }

std::string run_list_path() {
  // Without a system disk mounted on it, the directory exists only by mistake.
  auto slash = Root::open("/");
  return fmt::format("{}/run-once", slash && is_mount_point(*slash, kSystemDisk) ? kSystemDisk : kRunDir);
}

}  // namespace

bool has_booted() { return ::access(booted_path().c_str(), F_OK) == 0; }
Result<> mark_booted() { return host::write_file(booted_path(), "", 0600); }

bool has_run(std::string_view hash) {
  auto text = host::read_file(run_list_path(), limits::kRunListBytes);
  if (!text) return false;
  for (std::string_view line : split(*text, '\n'))
    if (line == hash) return true;
  return false;
}

Result<> mark_run(std::string_view hash) {
  TRY(host::make_directories(kRunDir, 0700));
  auto text = host::read_file(run_list_path(), limits::kRunListBytes).value_or("");
  return host::write_file(run_list_path(), fmt::format("{}{}\n", text, hash), 0600);
}

}  // namespace banger::guest
