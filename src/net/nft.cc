#include "net/nft.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/child.h"
#include "host/files.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

constexpr const char* kSystemPath = "/usr/sbin:/usr/bin:/sbin:/bin";

Result<UniqueFd> memory_file(std::string_view content = {}) {
  UniqueFd file(::memfd_create("nft", MFD_CLOEXEC));
  if (!file) return fail_errno("memfd_create");
  TRY(host::write_all(file.get(), content));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return fail_errno("memfd");
  return file;
}

Result<std::string> content_of(const UniqueFd& file) {
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno("memfd");
  if (static_cast<std::size_t>(info.st_size) > limits::kNftOutputBytes)
    return fail(ErrorCode::exhausted, fmt::format("nft wrote more than {}", format_size(limits::kNftOutputBytes)));
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  if (::pread(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return fail_errno("memfd");
  return text;
}

// Its output goes to files in memory, which are read afterwards. The child could fill a pipe, because nothing reads it
// here.
Result<std::string> run_nft(std::vector<std::string> arguments, std::string_view input) {
  arguments.insert(arguments.begin(), TRY(find_nft()));
  auto in = TRY(memory_file(input)), out = TRY(memory_file()), err = TRY(memory_file());
  host::SpawnSpec spec{
      .argv = std::move(arguments), .env = {"LC_ALL=C", std::string("PATH=") + kSystemPath}, .cwd = "/"};
  spec.stdin_fd = in.get();
  spec.stdout_fd = out.get();
  spec.stderr_fd = err.get();
  auto child = TRY(host::spawn(spec));
  pollfd ended{child.pidfd(), POLLIN, 0};
  auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(limits::kNftDeadline).count();
  if (::poll(&ended, 1, static_cast<int>(patience)) != 1) {
    (void)child.signal(SIGKILL);
    child.wait();
    return fail(ErrorCode::timeout, fmt::format("nft did not end within {}", format_duration(limits::kNftDeadline)));
  }
  auto status = child.wait();
  if (status.shell_code() == 0) return content_of(out);
  auto words = std::string(trim(content_of(err).value_or("")));
  auto code = words.find("not permitted") != words.npos ? ErrorCode::denied : ErrorCode::unavailable;
  return fail(
      code, fmt::format("nft failed ({}): {}", status.shell_code(), printable(words.substr(0, words.find('\n')), 300)));
}

}  // namespace

Result<std::string> find_nft() {
  if (auto path = host::find_program("nft", kSystemPath)) return *path;
  return fail(ErrorCode::unavailable, "nft is not installed, which the firewall of bridge networking is made with",
              "apt install nftables");
}

Result<> apply_nft(const Json& commands) {
  TRY(run_nft({"-j", "-f", "-"}, dump_json(commands)));
  return {};
}

Result<Json> list_nft() {
  return in("the list of nft", parse_json(TRY(run_nft({"-j", "list", "ruleset"}, {})), limits::kNftOutputBytes));
}

}  // namespace banger::net
