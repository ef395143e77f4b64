// ImageStore::build and ::import_tar: make an image directory from a tar stream. mmdebstrap makes the stream for
// build(). No file of the stream is unpacked on the host.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "ext4/ext4.h"
#include "host/files.h"
#include "image/apt/sources.h"
#include "image/apt/tool.h"
#include "image/bounds.h"
#include "image/catalog/bundle.h"
#include "image/complete.h"
#include "image/manifest.h"
#include "image/recipe/build_directory.h"
#include "image/recipe/recipe.h"
#include "image/recipe/recipes.h"
#include "image/staged_directory.h"
#include "image/stoppable.h"
#include "image/store.h"
#include "image/tar_stream.h"

namespace banger::image {

namespace {

std::unexpected<Error> no_mmdebstrap() {
  return fail(ErrorCode::unavailable, "mmdebstrap, which builds images, is not installed on this host",
              "install the packages mmdebstrap and uidmap");
}

/// Checks the requirements of a build as an ordinary user. Tries the host's features instead of reading its settings.
Task<Result<>> check_tools(host::Runtime& runtime, std::string path_variable, host::Cancel& cancel) {
  if (!host::find_program("mmdebstrap", path_variable)) co_return no_mmdebstrap();
  if (::geteuid() == 0) co_return Result<>();
  // newuidmap is setuid, which has no effect then.
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    co_return fail(ErrorCode::unsupported, "building an image takes privileges that this process may not gain",
                   "'banger image build', in a terminal, builds it there");
  if (!host::find_program("newuidmap", path_variable))
    co_return fail(ErrorCode::unavailable,
                   "newuidmap is not installed on this host, and images cannot be built without it or root",
                   "install the package uidmap");
  ToolRun probe{{.argv = {"unshare", "--user", "true"}, .env = tool_environment(path_variable)},
                host::after(limits::kAptQueryDeadline)};
  auto output = CO_TRY(co_await run_tool(runtime, std::move(probe), cancel));
  if (output.status.shell_code() != 0)
    co_return fail(ErrorCode::unavailable,
                   fmt::format("this host does not let users make user namespaces: {}", printable(trim(output.err))),
                   "allow them (sysctl kernel.unprivileged_userns_clone=1 or "
                   "kernel.apparmor_restrict_unprivileged_userns=0), or build as root");
  co_return Result<>();
}

Task<Result<std::vector<AptSource>>> find_sources(host::Runtime& runtime, std::string path_variable, std::string suite,
                                                  host::Cancel& cancel) {
  ToolRun ask{
      {.argv = {"apt-get", "indextargets", "--format", std::string(kIndexTargetsFormat), "Created-By: Packages"},
       .env = tool_environment(path_variable)},
      host::after(limits::kAptQueryDeadline)};
  // Without apt, or when apt fails, origins are unknown.
  auto targets = co_await run_tool(runtime, std::move(ask), cancel);
  CO_TRY(cancel.check());
  auto sources = CO_TRY(
      sources_of_suite(read_apt_sources("/etc/apt"), suite, origins_from_index_targets(targets ? targets->out : "")));
  co_return expand_mirror_lists(std::move(sources));
}

/// Keyrings that no package of the image contains.
CopiedKeys keys_to_copy(const std::vector<AptSource>& sources) {
  CopiedKeys keys;
  for (const auto& source : sources) {
    bool path = source.signed_by.starts_with('/') && source.signed_by.find('\n') == source.signed_by.npos;
    if (!path || source.signed_by.starts_with("/usr/share/keyrings/debian-archive-")) continue;
    if (std::find(keys.begin(), keys.end(), source.signed_by) == keys.end()) keys.push_back(source.signed_by);
  }
  return keys;
}

/// mmdebstrap reports its steps in lines like "I: downloading packages with apt...".
std::string_view current_step(std::string_view log) {
  auto at = log.rfind("I: ");
  if (at == log.npos) return "starting";
  auto line = log.substr(at + 3);
  line = trim(line.substr(0, line.find_first_of(":\r\n")));
  if (line.find("-hook") != line.npos) return "setting up";
  while (line.ends_with('.')) line.remove_suffix(1);
  return line;
}

std::unexpected<Error> build_failed(const host::Output& output) {
  auto error = tool_failed("mmdebstrap", output).error();
  bool namespaces = output.err.find("newuidmap") != output.err.npos || output.err.find("subuid") != output.err.npos;
  if (namespaces)
    return std::unexpected(std::move(error).with_hint(
        "give this user a range of ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER"));
  return std::unexpected(std::move(error));
}

/// Runs mmdebstrap and writes its tar stream directly into `rootfs`.
Task<Result<>> stream_build(host::Runtime& runtime, std::string path_variable, RecipePlan plan,
                            std::vector<AptSource> sources, std::string rootfs, ext4::Ext4Options options,
                            StageProgress progress, host::Cancel& cancel) {
  auto build_directory = CO_TRY(co_await BuildDirectory::make(runtime, path_variable, cancel));
  auto sources_fd = CO_TRY(text_input(to_deb822(sources)));
  auto pipe = CO_TRY(make_tar_pipe());
  auto stream = TarStream::start(runtime, std::move(pipe.read), std::move(rootfs), std::move(options));

  ToolRun tool{{.argv = mmdebstrap_command(plan, keys_to_copy(sources)), .env = tool_environment(path_variable)},
               host::after(limits::kImageBuildDeadline)};
  tool.spec.env.push_back("TMPDIR=" + build_directory.path());
  tool.spec.env.push_back(fmt::format("SOURCE_DATE_EPOCH={}", plan.timestamp));
  tool.spec.stdin_fd = sources_fd.get();
  tool.spec.stdout_fd = pipe.write.get();
  tool.spec.extra_fds = {{build_directory.lock_fd(), 3}};
  tool.tick = [&](std::string_view log) {
    if (stream->bytes() > 0)
      progress("write", format_size(stream->bytes()), -1);
    else
      progress("build", current_step(log), -1);
  };
  auto output = co_await run_tool(runtime, std::move(tool), cancel);
  bool writer_first = stream->ended();
  pipe.write.reset();
  auto written = co_await stream->wait();
  co_await build_directory.clean_up();

  if (!output) co_return std::unexpected(std::move(output.error()));
  // A writer that failed first (disk full) is the cause. A writer that saw a broken stream is the consequence.
  if (writer_first && !written) co_return std::unexpected(std::move(written.error()));
  if (output->status.shell_code() != 0) co_return build_failed(*output);
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return Result<>();
}

}  // namespace

Task<Result<Image>> ImageStore::build(std::string name, StageProgress progress, host::Cancel& cancel) {
  auto all = recipes();
  auto recipe = std::find_if(all.begin(), all.end(), [&](const Recipe& candidate) { return candidate.name == name; });
  if (recipe == all.end()) {
    std::vector<std::string> names;
    for (const auto& known : all) names.emplace_back(known.name);
    co_return fail(ErrorCode::not_found, fmt::format("no recipe builds an image '{}'", printable(name, 80)),
                   fmt::format("these can be built: {}", join(names, ", ")));
  }
  auto context = fmt::format("build image '{}'", name);
  auto plan = CO_TRY(in(context, parse_recipe(kRecipeFiles, name)));
  CO_TRY(in(context, co_await check_tools(runtime_, path_variable_, cancel)));
  auto sources = CO_TRY(in(context, co_await find_sources(runtime_, path_variable_, plan.suite, cancel)));

  Image image{.id = host::random_id(), .name = name, .source = "recipe:" + name, .kernel = plan.kernel};
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  CO_TRY(
      in(context, co_await stream_build(runtime_, path_variable_, plan, std::move(sources), staged.file("rootfs.ext4"),
                                        rootfs_options(name, plan.timestamp), progress, cancel)));
  progress("finish", "", -1);
  auto complete = [&](const StopFlag* stop) { return complete_image(staged, image, plan.timestamp, stop); };
  image = CO_TRY(in(context, co_await stoppable(runtime_, cancel, complete)));
  CO_TRY(cancel.check());
  co_return co_await publish(std::move(staged), std::move(image), NameTaken::replace);
}

Task<Result<Image>> ImageStore::import_tar(std::string name, std::string tar_path, std::string kernel,
                                           RunConfig run_config, StageProgress progress, host::Cancel& cancel) {
  CO_TRY(check_store_name("image", name));
  auto context = fmt::format("import image '{}'", name);
  CO_TRY(check_free(name));
  auto tar = CO_TRY(in(context, co_await runtime_.blocking([&] { return host::open_regular_file(tar_path); })));
  if (co_await runtime_.blocking([&] { return catalog::is_bundle(tar.get()); }))
    co_return fail(ErrorCode::invalid, fmt::format("{} is a bundle, and no root file system", tar_path),
                   fmt::format("banger image import {} --name {}", tar_path, name));
  Image image{.id = host::random_id(), .name = name, .source = "import", .kernel = std::move(kernel)};
  image.run_config = std::move(run_config);
  auto staged = CO_TRY(StagedDirectory::make(directory_, image.id));
  std::int64_t timestamp = std::time(nullptr);
  auto stream = TarStream::start(runtime_, std::move(tar), staged.file("rootfs.ext4"), rootfs_options(name, timestamp));
  while (!stream->ended()) {
    if (cancel.requested()) stream->stop();
    co_await stream->wait_briefly();
    progress("write", format_size(stream->bytes()), -1);
  }
  CO_TRY(cancel.check());
  CO_TRY(in(context, in(tar_path, co_await stream->wait())));
  progress("finish", "", -1);
  auto complete = [&](const StopFlag* stop) { return complete_image(staged, image, timestamp, stop); };
  image = CO_TRY(in(context, co_await stoppable(runtime_, cancel, complete)));
  CO_TRY(cancel.check());
  co_return co_await publish(std::move(staged), std::move(image), NameTaken::refuse);
}

}  // namespace banger::image
