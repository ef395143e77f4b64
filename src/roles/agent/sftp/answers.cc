#include "roles/agent/sftp/answers.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "roles/agent/bounds.h"

namespace banger::roles::agent::sftp {

namespace {

enum class Answer : std::uint8_t {
  version = 2,
  status = 101,
  handle = 102,
  data = 103,
  name = 104,
  attributes = 105,
  extended = 201
};

Writer begin(Answer answer, std::uint32_t id) {
  Writer writer;
  writer.byte(static_cast<std::uint8_t>(answer)).number(id);
  return writer;
}

char letter_of_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    default:
      return '-';
  }
}

std::string mode_text(mode_t mode) {
  std::string text(1, letter_of_type(mode));
  constexpr std::string_view kLetters = "rwxrwxrwx";
  for (int at = 0; at < 9; ++at) text += mode & (0400u >> at) ? kLetters[static_cast<std::size_t>(at)] : '-';
  auto special = [&](mode_t bit, std::size_t at, char with, char without) {
    if (mode & bit) text[at] = text[at] == 'x' ? with : without;
  };
  special(S_ISUID, 3, 's', 'S');
  special(S_ISGID, 6, 's', 'S');
  special(S_ISVTX, 9, 't', 'T');
  return text;
}

std::string time_text(time_t when) {
  std::tm parts{};
  char text[32] = "";
  if (::localtime_r(&when, &parts)) (void)std::strftime(text, sizeof text, "%b %e  %Y", &parts);
  return text;
}

}  // namespace

std::string status(std::uint32_t id, Status status, std::string_view text) {
  return begin(Answer::status, id).number(static_cast<std::uint32_t>(status)).text(text).text("").take();
}

std::string errno_status(std::uint32_t id, int error_number) {
  auto kind = Status::failure;
  if (error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP) kind = Status::no_such_file;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) kind = Status::permission_denied;
  return status(id, kind, ::strerror(error_number));
}

std::string status_of(std::uint32_t id, long result) {
  return result < 0 ? errno_status(id, errno) : status(id, Status::ok);
}

std::string version() {
  auto writer = begin(Answer::version, 3);
  constexpr std::string_view kExtensions[][2] = {{"posix-rename@openssh.com", "1"}, {"statvfs@openssh.com", "2"},
                                                 {"fstatvfs@openssh.com", "2"},     {"hardlink@openssh.com", "1"},
                                                 {"fsync@openssh.com", "1"},        {"lsetstat@openssh.com", "1"},
                                                 {"limits@openssh.com", "1"},       {"expand-path@openssh.com", "1"}};
  for (const auto& [name, number] : kExtensions) writer.text(name).text(number);
  return writer.take();
}

std::string handle(std::uint32_t id, std::string_view handle) { return begin(Answer::handle, id).text(handle).take(); }

std::string data(std::uint32_t id, std::string_view bytes) { return begin(Answer::data, id).text(bytes).take(); }

std::string names(std::uint32_t id, const std::vector<Name>& names) {
  auto writer = begin(Answer::name, id);
  writer.number(static_cast<std::uint32_t>(names.size()));
  for (const auto& name : names) {
    writer.text(name.name).text(name.line);
    write_attributes(name.attributes, writer);
  }
  return writer.take();
}

std::string attributes(std::uint32_t id, const struct stat& info) {
  auto writer = begin(Answer::attributes, id);
  write_attributes(attributes_of(info), writer);
  return writer.take();
}

std::string file_system(std::uint32_t id, const struct statvfs& info) {
  auto writer = begin(Answer::extended, id);
  // The last number has two flags: read-only, and no setuid.
  for (std::uint64_t value : {std::uint64_t(info.f_bsize), std::uint64_t(info.f_frsize), std::uint64_t(info.f_blocks),
                              std::uint64_t(info.f_bfree), std::uint64_t(info.f_bavail), std::uint64_t(info.f_files),
                              std::uint64_t(info.f_ffree), std::uint64_t(info.f_favail), std::uint64_t(info.f_fsid),
                              std::uint64_t(info.f_flag & (ST_RDONLY | ST_NOSUID)), std::uint64_t(info.f_namemax)})
    writer.large(value);
  return writer.take();
}

std::string own_limits(std::uint32_t id) {
  return begin(Answer::extended, id)
      .large(limits::kSftpMessageBytes)
      .large(limits::kSftpDataBytes)
      .large(limits::kSftpDataBytes)
      .large(limits::kSftpHandles)
      .take();
}

Attributes attributes_of(const struct stat& info) {
  return {
      .size = static_cast<std::uint64_t>(info.st_size),
      .owner = {{info.st_uid, info.st_gid}},
      .mode = info.st_mode,
      .times = {{static_cast<std::uint32_t>(info.st_atim.tv_sec), static_cast<std::uint32_t>(info.st_mtim.tv_sec)}}};
}

std::string list_line(const struct stat& info, std::string_view name) {
  return fmt::format("{} {:4} {:<8} {:<8} {:8} {} {}", mode_text(info.st_mode), info.st_nlink, info.st_uid, info.st_gid,
                     info.st_size, time_text(info.st_mtim.tv_sec), name);
}

}  // namespace banger::roles::agent::sftp
