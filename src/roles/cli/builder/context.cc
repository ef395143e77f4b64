#include "roles/cli/builder/context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <thread>

#include "base/text.h"
#include "host/files.h"
#include "image/containerfile/bounds.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kMember = "context";

class ContextRules : public tar::PackRules {
 public:
  explicit ContextRules(const image::IgnoreRules& ignore) : ignore_(ignore) {}

  Take take(std::string_view member, tar::EntryKind kind) const override {
    if (member.size() <= kMember.size()) return Take::whole;
    if (!ignore_.ignores(member.substr(kMember.size() + 1))) return Take::whole;
    // What is below may come back. buildah applies the same rules to a directory that is empty then.
    return kind == tar::EntryKind::directory && ignore_.has_exceptions() ? Take::whole : Take::nothing;
  }
  std::string edit(std::string_view, std::string_view content) const override { return std::string(content); }

 private:
  const image::IgnoreRules& ignore_;
};

Result<std::string> find_containerfile(const std::string& directory) {
  for (auto name : {"/Containerfile", "/Dockerfile"})
    if (::access((directory + name).c_str(), F_OK) == 0) return directory + name;
  return fail(ErrorCode::not_found, fmt::format("{} has neither a Containerfile nor a Dockerfile", directory),
              "name the file with -f FILE");
}

/// Empty when there is none.
std::string find_ignore_file(const std::string& containerfile, const std::string& directory) {
  std::vector<std::string> paths = {containerfile + ".containerignore", containerfile + ".dockerignore"};
  if (!directory.empty()) paths.insert(paths.end(), {directory + "/.containerignore", directory + "/.dockerignore"});
  for (const auto& path : paths)
    if (::access(path.c_str(), F_OK) == 0) return path;
  return "";
}

}  // namespace

Result<BuildContext> BuildContext::find(const std::string& given, const std::optional<std::string>& file) {
  BuildContext context{.directory = given == "-" ? "" : given};
  if (context.directory.empty() && !file)
    return fail(ErrorCode::invalid, "a context on standard input needs a Containerfile of its own", "add -f FILE");
  if (!context.directory.empty()) TRY(host::open_file(context.directory, O_RDONLY | O_DIRECTORY));
  auto path = file ? *file : TRY(find_containerfile(context.directory));
  context.containerfile = TRY(host::read_regular_file(path, limits::kContainerfileBytes));
  auto ignore = find_ignore_file(path, context.directory);
  if (ignore.empty()) return context;
  context.ignore_text = TRY(host::read_regular_file(ignore, limits::kIgnoreFileBytes));
  context.ignore = TRY(in(ignore, image::IgnoreRules::parse(context.ignore_text)));
  return context;
}

Result<> write_context(const BuildContext& context, int tar_fd, Unsent& unsent, std::atomic<std::uint64_t>& written) {
  auto directory = TRY(host::open_file(context.directory, O_RDONLY | O_DIRECTORY));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  ContextRules rules(context.ignore);
  Result<> packed;
  std::jthread packing([&] {
    tar::PackSource source{.directory = directory.get(), .member = std::string(kMember), .rules = rules};
    packed = tar::pack_sources(std::span(&source, 1), writer.get(), {.written = &written});
    writer.reset();
  });
  // Only a guest with banger's agent knows the marks of what was left out. So they end here.
  auto copied = tar::copy_tar(reader.get(), tar_fd, [&](std::string_view name, std::string_view why) {
    unsent.emplace_back(name.substr(std::min(name.size(), kMember.size() + 1)), why);
  });
  reader.reset();
  packing.join();
  // The end of the reader is an error of the packer too.
  if (!copied) return copied;
  return packed;
}

}  // namespace banger::roles::cli
