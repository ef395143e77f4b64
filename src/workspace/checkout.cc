#include "workspace/checkout.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"

namespace banger::workspace {

namespace {

Result<> check_directory(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return fail_errno(printable(path));
  if (S_ISDIR(info.st_mode)) return {};
  return fail(ErrorCode::invalid, fmt::format("{} is not a directory", printable(path)), "name a git checkout");
}

Error not_a_checkout(const std::string& path, Error error) {
  if (error.code != ErrorCode::invalid) return error;
  if (error.message.find("dubious ownership") != std::string::npos)
    return fail(ErrorCode::denied, fmt::format("{} belongs to another user", printable(path)),
                "git config --global --add safe.directory PATH, if you trust that user")
        .error();
  if (error.message.find("not a git repository") != std::string::npos)
    return fail(ErrorCode::invalid, fmt::format("{} is not in a git checkout", printable(path)),
                "run 'git init' there, or copy the files with 'banger vm cp'")
        .error();
  return std::move(error).in(printable(path));
}

Result<> read_config(const Git& git, Checkout& checkout) {
  auto text = TRY(git.line({"config", "-z", "--get-regexp",
                            "^(remote\\.origin\\.url|user\\.(name|email)|"
                            "extensions\\.partialclone|remote\\..*\\.promisor)$"}));
  for (auto record : records_of(text)) {
    auto at = record.find('\n');
    auto key = record.substr(0, at), value = at == record.npos ? std::string_view() : record.substr(at + 1);
    if (key == "remote.origin.url") checkout.origin = without_secrets(std::string(value));
    if (key == "user.name") checkout.user_name = value;
    if (key == "user.email") checkout.user_email = value;
    if (key == "extensions.partialclone" || key.ends_with(".promisor")) checkout.partial = true;
  }
  return {};
}

}  // namespace

std::string without_secrets(const std::string& url) {
  auto scheme = url.find("://");
  if (scheme == url.npos) return url;
  auto host = scheme + 3, end = std::min(url.find('/', host), url.size()), at = url.rfind('@', end);
  if (at == url.npos || at < host || at >= end) return url;
  auto user = url.substr(host, at - host);
  // A user name of http is often a token.
  bool secret = url.starts_with("http");
  user.resize(secret ? 0 : std::min(user.find(':'), user.size()));
  return url.substr(0, host) + (user.empty() ? "" : user + "@") + url.substr(at + 1);
}

Result<Checkout> Checkout::find(const host::GetEnv& env, const std::string& path, const StopFlag* stop) {
  TRY(check_directory(path));
  return find(TRY(Git::of_user(env, path, stop)), path);
}

Result<Checkout> Checkout::find(const Git& git, const std::string& path) {
  auto where = git.run({"rev-parse", "--is-bare-repository", "--is-inside-work-tree"});
  if (!where) return std::unexpected(not_a_checkout(path, std::move(where.error())));
  if (where->starts_with("true"))
    return fail(ErrorCode::invalid, fmt::format("{} is a bare repository, which has no files", printable(path)),
                "name a checkout of it, as 'git worktree add' makes one");
  if (!where->ends_with("true\n"))
    return fail(ErrorCode::invalid, fmt::format("{} is inside a repository's own directory", printable(path)),
                "name the checkout around it");
  // The name of the directory comes last, because it can have newlines.
  auto place = TRY(git.line({"rev-parse", "--show-object-format", "--show-toplevel"}));
  auto format = place.substr(0, place.find('\n'));
  Checkout checkout{.top = place.substr(std::min(format.size() + 1, place.size())),
                    .head = TRY(git.line({"rev-parse", "--verify", "-q", "HEAD^{commit}"})),
                    .branch = TRY(git.line({"symbolic-ref", "-q", "HEAD"})),
                    .format = format};
  constexpr std::string_view kHeads = "refs/heads/";
  if (checkout.branch.starts_with(kHeads)) checkout.branch.erase(0, kHeads.size());
  if (checkout.format != "sha1" && checkout.format != "sha256")
    return fail(ErrorCode::unsupported, fmt::format("{}: its objects have an unknown format", printable(path)));
  TRY(read_config(git, checkout));
  return checkout;
}

}  // namespace banger::workspace
