#include "capabilities/jail/request.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/beneath.h"
#include "machine/firecracker/bounds.h"

namespace banger::capabilities {

namespace {

using machine::firecracker::JailFile;

// The directory of all jails in their own mount namespace. Every host has this directory, and nothing in it is changed.
constexpr std::string_view kBase = "/run";
constexpr std::size_t kIdBytes = 32;

Result<std::string> id_of(const Json& arguments) {
  auto id = TRY(get_string(arguments, "id"));
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (id.size() != kIdBytes || !std::ranges::all_of(id, is_hex))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not the id of a start", printable(id, 64)));
  return id;
}

Result<std::uint64_t> number_of(const Json& arguments, std::string_view name, std::uint64_t most) {
  auto number = TRY(get_int(arguments, name));
  if (number < 1 || static_cast<std::uint64_t>(number) > most)
    return fail(ErrorCode::invalid, fmt::format("'{}' must be between 1 and {}", name, most));
  return static_cast<std::uint64_t>(number);
}

Result<> check_path(const PrivilegedContext& context, const std::string& path) {
  TRY(host::check_plain_path(path));
  auto holds = [&](const std::string& root) { return path.starts_with(root + "/"); };
  if (std::ranges::any_of(context.roots, holds)) return {};
  return fail(ErrorCode::denied, fmt::format("{}: is outside of the directories that are allowed", printable(path)));
}

// Each item is NAME:PATH. Names contain no colon.
Result<std::vector<JailFile>> files_of(const PrivilegedContext& context, const Json& arguments, std::string_view list) {
  std::vector<JailFile> files;
  const auto& items = arguments.at(std::string(list));
  if (items.size() > limits::kJailFiles)
    return fail(ErrorCode::invalid, fmt::format("'{}' has more than {} files", list, limits::kJailFiles));
  for (const auto& item : items) {
    const auto& text = item.get_ref<const std::string&>();
    auto colon = text.find(':');
    auto name = text.substr(0, colon);
    if (colon == text.npos || !machine::firecracker::is_jail_file_name(name))
      return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a file in a jail", printable(name, 64)));
    auto path = text.substr(colon + 1);
    TRY(check_path(context, path));
    files.push_back({std::move(path), std::move(name)});
  }
  return files;
}

Result<> check_names(const JailRequest& request) {
  std::vector<std::string> names;
  for (const auto* list : {&request.read, &request.write})
    for (const auto& file : *list) names.push_back(file.name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) == names.end()) return {};
  return fail(ErrorCode::invalid, "two files have the same name");
}

Result<> check_install(const PrivilegedContext& context) {
  if (context.jailer.empty())
    return fail(ErrorCode::unavailable, "this install has no jailer",
                "as root: banger system install --jailer FILE --firecracker FILE");
  return machine::firecracker::check(jail_of(context, "0"));
}

}  // namespace

machine::firecracker::Jail jail_of(const PrivilegedContext& context, const std::string& id) {
  return {.jailer_binary = context.jailer,
          .firecracker_binary = context.firecracker,
          .base = std::string(kBase),
          .id = id,
          .uid = context.owner_uid,
          .gid = context.owner_gid,
          .cgroup = {}};
}

std::string cgroup_of(const std::string& id) { return fmt::format("{}/{}", machine::firecracker::kJailCgroups, id); }

Result<JailRequest> launch_request(const PrivilegedContext& context, const Json& arguments) {
  TRY(check_install(context));
  JailRequest request{.id = TRY(id_of(arguments)),
                      .directory = TRY(get_string(arguments, "directory")),
                      .read = TRY(files_of(context, arguments, "read")),
                      .write = TRY(files_of(context, arguments, "write")),
                      .console = TRY(find_bool(arguments, "console")).value_or(false)};
  TRY(check_path(context, request.directory));
  TRY(check_names(request));
  request.vcpus = static_cast<std::uint32_t>(TRY(number_of(arguments, "vcpus", limits::kFirecrackerVcpus)));
  request.memory_bytes = TRY(number_of(arguments, "memory_bytes", limits::kJailMemoryBytes));
  return request;
}

Result<JailRequest> end_request(const PrivilegedContext& context, const Json& arguments) {
  TRY(check_install(context));
  JailRequest request{
      .id = TRY(id_of(arguments)), .directory = TRY(get_string(arguments, "directory")), .read = {}, .write = {}};
  if (!request.directory.empty()) TRY(check_path(context, request.directory));
  return request;
}

bool has_id(const std::vector<std::string>& argv, const std::string& id) {
  return std::ranges::any_of(argv, [&](const std::string& word) { return word == id || word == "--id=" + id; });
}

Result<> check_program(const std::string& path) {
  for (std::size_t end = 0; end != path.npos;) {
    end = path.find('/', end + 1);
    auto part = path.substr(0, end);
    struct stat info{};
    if (::lstat(part.c_str(), &info) < 0) return fail_errno(part);
    bool last = end == path.npos;
    // In a sticky directory other users can add names, but not change root's names.
    bool guarded = !(info.st_mode & 022) || (!last && (info.st_mode & S_ISVTX));
    bool right_kind = last ? S_ISREG(info.st_mode) && (info.st_mode & S_IXUSR) : S_ISDIR(info.st_mode);
    if (!right_kind)
      return fail(ErrorCode::denied, fmt::format("{} is not a {}", part, last ? "program" : "directory"),
                  "give the install the program's path without links");
    if (info.st_uid != 0 || !guarded)
      return fail(ErrorCode::denied, fmt::format("{} could have been written by another user than root", part),
                  fmt::format("chown root {0} && chmod 755 {0}", part));
  }
  return {};
}

Result<UniqueFd> open_vm_directory(const PrivilegedContext& context, const std::string& path) {
  auto directory = TRY(host::open_beneath(context.roots, path, O_RDONLY | O_DIRECTORY));
  struct stat info{};
  if (::fstat(directory.get(), &info) < 0) return fail_errno(path);
  if (info.st_uid != context.owner_uid)
    return fail(ErrorCode::denied, fmt::format("{}: belongs to user {}", path, info.st_uid));
  return directory;
}

}  // namespace banger::capabilities
