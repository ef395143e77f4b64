#include "engine/secrets/source.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/bounds.h"
#include "host/files.h"
#include "host/paths.h"
#include "vm/bounds.h"
#include "vm/secret.h"

namespace banger::engine {

namespace {

// A value that is too long is still longer than the limit when it has been read.
constexpr auto kReadBytes = limits::kSecretValueBytes + 3;

Result<SecretText> value_in(const std::string& name, std::string& text) {
  std::string_view value = text;
  if (value.ends_with('\n')) value.remove_suffix(value.ends_with("\r\n") ? 2 : 1);
  auto checked = vm::check_secret_value(name, value);
  auto secret = checked ? Result<SecretText>(SecretText(value)) : std::unexpected(std::move(checked.error()));
  wipe(text);
  return secret;
}

Result<> check_private(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) < 0) return fail_errno(path);
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::denied, fmt::format("{} belongs to another user", path), "use a file of your own");
  if (info.st_mode & 077)
    return fail(ErrorCode::denied, fmt::format("{} can be read or written by other users", path),
                fmt::format("chmod 600 {}", shell_quote(path)));
  return {};
}

Result<SecretText> read_value_file(const std::string& name, const std::string& path) {
  auto file = TRY(host::open_regular_file(path));
  TRY(check_private(file.get(), path));
  auto text = TRY(host::read_all(file.get(), path, kReadBytes));
  return value_in(name, text);
}

std::unexpected<Error> command_failed(const host::ExitStatus& status) {
  return fail(ErrorCode::unavailable, fmt::format("the command ended with status {}", status.shell_code()),
              "run the command by hand; it has no terminal here");
}

// What the command prints on standard error goes nowhere: it may have the value.
Task<Result<SecretText>> run_value_command(host::Runtime& runtime, std::string home, std::string name,
                                           std::string command) {
  host::SpawnSpec spec{.argv = {"/bin/sh", "-c", std::move(command)}, .env = host::process_environment(), .cwd = home};
  auto output =
      co_await host::run_command(runtime, std::move(spec), host::after(limits::kSecretCommandDeadline), kReadBytes);
  if (!output) co_return std::unexpected(std::move(output.error()).in("the command"));
  wipe(output->err);
  if (output->status.shell_code() == 0) co_return value_in(name, output->out);
  wipe(output->out);
  co_return command_failed(output->status);
}

}  // namespace

bool has_place(const config::SecretSource& source) { return !source.file.empty() || !source.command.empty(); }

Task<Result<SecretText>> read_secret(host::Runtime& runtime, std::string home, std::string name,
                                     config::SecretSource source) {
  auto what = fmt::format("[secrets.{}]", name);
  if (!source.command.empty())
    co_return in(what, co_await run_value_command(runtime, std::move(home), std::move(name), source.command));
  auto path = source.file.starts_with("~/") ? home + source.file.substr(1) : source.file;
  co_return in(what, co_await runtime.blocking([name, path] { return read_value_file(name, path); }));
}

}  // namespace banger::engine
