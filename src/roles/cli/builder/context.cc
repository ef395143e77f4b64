#include "roles/cli/builder/context.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/text.h"
#include "host/beneath.h"
#include "host/files.h"
#include "image/containerfile/bounds.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kMember = "context";

class ContextRules : public tar::PackRules {
 public:
  ContextRules(const image::IgnoreRules& ignore, const image::StopFlag& stop) : ignore_(ignore), stop_(stop) {}

  Take take(std::string_view member, tar::EntryKind kind) const override {
    if (image::requested(&stop_)) return Take::nothing;
    if (member.size() <= kMember.size()) return Take::whole;
    if (!ignore_.ignores(member.substr(kMember.size() + 1), &stop_)) return Take::whole;
    // What is below may come back. buildah applies the same rules to a directory that is empty then.
    return kind == tar::EntryKind::directory && ignore_.has_exceptions() ? Take::whole : Take::nothing;
  }
  std::string edit(std::string_view, std::string_view content) const override { return std::string(content); }

 private:
  const image::IgnoreRules& ignore_;
  const image::StopFlag& stop_;
};

constexpr std::string_view kIgnoreHint = "put a copy of the file there, or a relative link that stays inside";

/// A directory that the user named, maybe through a link. Its content may come from somebody else.
struct Place {
  std::string path;
  std::string noun;  ///< for errors
  UniqueFd fd;

  static Result<Place> open(std::string path, std::string noun) {
    auto fd = TRY(host::open_file(path, O_RDONLY | O_DIRECTORY));
    return Place{std::move(path), std::move(noun), std::move(fd)};
  }
};

struct Found {
  std::string path, text;
};

/// The first of these files. Its content goes to the builder and into errors, so a link must not lead to other files of
/// the user.
Result<std::optional<Found>> find_file(const Place& place, const std::vector<std::string>& names, std::size_t most,
                                       std::string_view hint) {
  for (const auto& name : names) {
    auto path = place.path + "/" + name;
    auto file = host::open_regular_beneath(place.fd.get(), name);
    if (!file && file.error().sys_errno == ENOENT) continue;
    if (!file && file.error().sys_errno == EXDEV)
      return fail(ErrorCode::denied, fmt::format("{} is a link that leads out of {}", path, place.noun),
                  std::string(hint));
    auto opened = TRY(in(place.path, std::move(file)));
    return Found{path, TRY(host::read_all(opened.get(), path, most))};
  }
  return std::nullopt;
}

Result<Found> find_containerfile(const Place& context) {
  auto found = TRY(find_file(context, {"Containerfile", "Dockerfile"}, limits::kContainerfileBytes,
                             "if you trust it, name the file with -f FILE"));
  if (found) return std::move(*found);
  return fail(ErrorCode::not_found, fmt::format("{} has neither a Containerfile nor a Dockerfile", context.path),
              "name the file with -f FILE");
}

std::pair<std::string, std::string> split_path(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == path.npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// `context` is null when it is a tar.
Result<std::optional<Found>> find_ignore_file(const std::string& containerfile, const Place* context) {
  auto [directory, name] = split_path(containerfile);
  auto beside = TRY(Place::open(directory, "its directory"));
  auto found = TRY(
      find_file(beside, {name + ".containerignore", name + ".dockerignore"}, limits::kIgnoreFileBytes, kIgnoreHint));
  if (found || !context) return found;
  return find_file(*context, {".containerignore", ".dockerignore"}, limits::kIgnoreFileBytes, kIgnoreHint);
}

}  // namespace

Result<BuildContext> BuildContext::find(const std::string& given, const std::optional<std::string>& file) {
  BuildContext context{.directory = given == "-" ? "" : given};
  if (context.directory.empty() && !file)
    return fail(ErrorCode::invalid, "a context on standard input needs a Containerfile of its own", "add -f FILE");
  std::optional<Place> place;
  if (!context.directory.empty()) place.emplace(TRY(Place::open(context.directory, "the context")));
  auto main = file ? Found{*file, TRY(host::read_regular_file(*file, limits::kContainerfileBytes))}
                   : TRY(find_containerfile(*place));
  context.containerfile = std::move(main.text);
  auto ignore = TRY(find_ignore_file(main.path, place ? &*place : nullptr));
  if (!ignore) return context;
  context.ignore_text = std::move(ignore->text);
  context.ignore = TRY(in(ignore->path, image::IgnoreRules::parse(context.ignore_text)));
  return context;
}

Result<> write_context(const BuildContext& context, int tar_fd, Unsent& unsent, std::atomic<std::uint64_t>& written,
                       const image::StopFlag& stop) {
  auto directory = TRY(host::open_file(context.directory, O_RDONLY | O_DIRECTORY));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd reader(ends[0]), writer(ends[1]);
  ContextRules rules(context.ignore, stop);
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
