// The answers of SFTP, version 3, each without its length.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <string>
#include <string_view>
#include <vector>

#include "roles/agent/sftp/request.h"

namespace banger::roles::agent::sftp {

enum class Status : std::uint32_t {
  ok = 0,
  end_of_file = 1,
  no_such_file = 2,
  permission_denied = 3,
  failure = 4,
  bad_message = 5,
  unsupported = 8,
};

/// One entry of a directory.
struct Name {
  std::string name;
  std::string line;  ///< as `ls -l` prints it
  Attributes attributes;
};

std::string status(std::uint32_t id, Status status, std::string_view text = {});
/// The status that fits errno.
std::string errno_status(std::uint32_t id, int error_number);
/// The status of a system call that returns -1 with errno.
std::string status_of(std::uint32_t id, long result);

std::string version();
std::string handle(std::uint32_t id, std::string_view handle);
std::string data(std::uint32_t id, std::string_view bytes);
std::string names(std::uint32_t id, const std::vector<Name>& names);
std::string attributes(std::uint32_t id, const struct stat& info);
std::string file_system(std::uint32_t id, const struct statvfs& info);
std::string own_limits(std::uint32_t id);

Attributes attributes_of(const struct stat& info);
/// As `ls -l` prints it, with numbers for the owner and the group.
std::string list_line(const struct stat& info, std::string_view name);

}  // namespace banger::roles::agent::sftp
