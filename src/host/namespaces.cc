#include "host/namespaces.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "host/files.h"

namespace banger::host {

namespace {

Result<> write_own(const char* name, const std::string& text) {
  auto file = TRY(open_file(fmt::format("/proc/self/{}", name), O_WRONLY));
  return in(name, write_all(file.get(), text));
}

}  // namespace

Result<> enter_new_namespaces() {
  auto user = ::geteuid();
  auto group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
    auto error = fail_errno("make a user namespace").error();
    return std::unexpected(
        std::move(error).with_hint("sysctl user.max_user_namespaces kernel.unprivileged_userns_clone"));
  }
  // A process without privileges may map only itself, and only if it gives up setgroups(2).
  TRY(write_own("setgroups", "deny"));
  TRY(write_own("uid_map", fmt::format("{0} {0} 1", user)));
  return write_own("gid_map", fmt::format("{0} {0} 1", group));
}

Result<> enter_namespaces(const Namespaces& namespaces) {
  // The user namespace comes first: it gives the right to enter the other one.
  if (::setns(namespaces.user.get(), CLONE_NEWUSER) < 0) return fail_errno("enter the user namespace");
  if (::setns(namespaces.network.get(), CLONE_NEWNET) < 0) return fail_errno("enter the network namespace");
  return {};
}

Result<Namespaces> namespaces_of(pid_t pid) {
  return Namespaces{.user = TRY(open_file(fmt::format("/proc/{}/ns/user", pid), O_RDONLY)),
                    .network = TRY(open_file(fmt::format("/proc/{}/ns/net", pid), O_RDONLY))};
}

std::string identity_of(const Namespaces& namespaces) {
  struct stat user{}, network{};
  if (::fstat(namespaces.user.get(), &user) < 0 || ::fstat(namespaces.network.get(), &network) < 0) return "";
  return fmt::format("{} {} {} {}", user.st_dev, user.st_ino, network.st_dev, network.st_ino);
}

}  // namespace banger::host
