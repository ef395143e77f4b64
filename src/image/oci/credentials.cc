#include "image/oci/credentials.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include "base/text.h"
#include "host/files.h"
#include "image/apt/tool.h"
#include "image/oci/bounds.h"
#include "image/tar_stream.h"

namespace banger::image::oci {

namespace {

/// Helpers print this on stdout and fail when they have no login.
bool has_none(std::string_view output) { return output.find("credentials not found") != output.npos; }

std::unexpected<Error> helper_error(ErrorCode code, std::string_view helper, std::string_view registry,
                                    std::string why) {
  return fail(code, fmt::format("credential helper docker-credential-{}: {}", helper, why),
              fmt::format("to see its own message: echo {} | docker-credential-{} get", helper_key(registry), helper));
}

/// The error leaves out what the helper printed, because that may be a secret.
Task<Result<Login>> ask_helper(host::Runtime& runtime, const CredentialSources& sources, std::string helper,
                               std::string registry, host::Cancel& cancel) {
  auto input = CO_TRY(text_input(helper_key(registry)));
  ToolRun run{{.argv = {"docker-credential-" + helper, "get"}, .env = sources.environment},
              host::after(limits::kCredentialHelperDeadline)};
  run.spec.stdin_fd = input.get();
  // Its output is a file in memory, which an endless helper would fill.
  run.spec.limits = {{RLIMIT_FSIZE, limits::kCredentialHelperFileBytes, limits::kCredentialHelperFileBytes}};
  auto output = co_await run_tool(runtime, std::move(run), cancel);
  if (!output && output.error().code == ErrorCode::cancelled) co_return std::unexpected(output.error());
  if (!output && output.error().code == ErrorCode::not_found)
    co_return fail(ErrorCode::unavailable, fmt::format("there is no program docker-credential-{}", helper),
                   "install it, or make its directory part of the PATH that the daemon starts with");
  if (!output) co_return helper_error(output.error().code, helper, registry, output.error().message);
  if (output->status.shell_code() != 0) {
    if (has_none(output->out) || has_none(output->err)) co_return Login{};
    co_return helper_error(ErrorCode::unavailable, helper, registry,
                           fmt::format("it failed with exit status {}", output->status.shell_code()));
  }
  auto login = parse_helper_login(output->out);
  if (!login) co_return helper_error(ErrorCode::invalid, helper, registry, "its answer is malformed");
  co_return std::move(*login);
}

Result<DockerConfig> read_config(const std::string& path) {
  auto text = TRY(host::read_regular_file(path, limits::kDockerConfigBytes));
  return TRY(in(path, parse_docker_config(text)));
}

}  // namespace

std::vector<std::string> credential_files(const CredentialSources& sources) {
  auto value = [&](const char* name) { return sources.env(name).value_or(""); };
  if (auto file = value("REGISTRY_AUTH_FILE"); !file.empty()) return {file};
  std::vector<std::string> files;
  if (auto directory = value("DOCKER_CONFIG"); !directory.empty())
    files.push_back(directory + "/config.json");
  else if (!sources.home.empty())
    files.push_back(sources.home + "/.docker/config.json");
  if (auto runtime = value("XDG_RUNTIME_DIR"); !runtime.empty()) files.push_back(runtime + "/containers/auth.json");
  return files;
}

Task<Result<Login>> find_login(host::Runtime& runtime, const CredentialSources& sources, Reference reference,
                               host::Cancel& cancel) {
  for (const auto& path : credential_files(sources)) {
    // The file may be on a network mount that is dead, and reading it must not stop the control thread.
    auto config = co_await runtime.blocking([&] { return read_config(path); });
    if (!config && config.error().code == ErrorCode::not_found) continue;
    if (!config)
      co_return std::unexpected(
          std::move(config.error()).in("read the logins of registries").with_hint("repair the file, or remove it"));
    if (auto helper = config->helper_for(reference); !helper.empty()) {
      auto login = CO_TRY(in(path, co_await ask_helper(runtime, sources, helper, reference.registry, cancel)));
      if (!login.empty()) co_return login;
    }
    if (const Login* login = config->login_for(reference)) co_return *login;
  }
  co_return Login{};
}

}  // namespace banger::image::oci
