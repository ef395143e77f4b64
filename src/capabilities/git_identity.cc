// The name and the address of the owner's git, for git in guests whose owner asks for that (`guest_git_identity`).
//
// They go into the file that git reads first. So the config of a repository, and the guest's own ~/.gitconfig, win.
#include "capabilities/capability.h"
#include "capabilities/file_sync/send.h"
#include "host/files.h"
#include "workspace/git.h"

namespace banger::capabilities {

namespace {

constexpr const char* kKeys[] = {"user.name", "user.email"};

// Writes the guest's file. Git itself does, because it knows how to quote. False: the owner's git has no identity.
Result<bool> write_identity(const std::string& home, const std::string& path) {
  auto env = [&home, own = host::process_env()](const std::string& name) {
    return name == "HOME" ? std::optional(home) : own(name);
  };
  auto git = TRY(workspace::Git::of_user(env, "/"));
  bool found = false;
  for (const char* key : kKeys) {
    auto value = TRY(git.line({"config", "--global", "--includes", "--get", key}));
    if (value.empty()) continue;
    TRY(git.run({"config", "--file", path, key, value}));
    found = true;
  }
  return found;
}

Task<Result<>> send(const VmContext& vm, link::Client& client, const Waiter& waiter, const std::string& path) {
  auto found = CO_TRY(co_await vm.runtime.blocking([&] { return write_identity(vm.files.home, path); }));
  if (!found) co_return fail(ErrorCode::not_found, "git on this host has no user.name and no user.email");
  const config::FileSync entry{.host = path, .guest = kGitIdentityInGuest, .mode = 0644};
  auto report = CO_TRY(co_await sync_files({.runtime = vm.runtime,
                                            .client = client,
                                            .files = {.entries = {&entry, 1}, .home = vm.files.home},
                                            .directory = vm.directory,
                                            .given_up = waiter.given_up}));
  for (const auto& warning : report.warnings) waiter.warn(warning);
  co_return Result<>();
}

Task<Result<>> started(const VmContext& vm, link::Client& client, const Waiter& waiter) {
  if (!vm.files.git_identity) co_return Result<>();
  auto path = vm.directory + "/git-identity";
  auto sent = co_await send(vm, client, waiter, path);
  (void)host::remove_file(path);
  if (!sent) waiter.warn("guest_git_identity has no effect: " + sent.error().sentence());
  co_return Result<>();
}

}  // namespace

extern const Capability git_identity;
constinit const Capability git_identity = {.name = "git_identity", .started = started};

}  // namespace banger::capabilities
