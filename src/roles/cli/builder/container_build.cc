#include "roles/cli/builder/container_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.h"
#include "image/names.h"
#include "roles/cli/builder/base_layers.h"
#include "roles/cli/builder/bounds.h"
#include "roles/cli/builder/builder_vm.h"
#include "roles/cli/builder/context.h"
#include "roles/cli/builder/limited_copy.h"
#include "roles/cli/builder/spool.h"
#include "roles/cli/progress.h"
#include "tar/tar.h"

namespace banger::roles::cli {

namespace {

/// Writes the tar on `in`. EPIPE when the reader of `out` has gone, even while `in` is silent.
Result<> write_input(int in, int out) {
  auto pipe = TRY(BytePipe::make());
  Result<bool> whole = false;
  std::jthread copying([&, end = std::move(pipe.writer)]() mutable {
    whole = copy_while_read(in, end.get(), out);
    end.reset();
  });
  auto written = tar::decompress(pipe.reader.get(), out);
  pipe.reader.reset();
  copying.join();
  // Both cut the tar short, so its own error would be wrong.
  if (whole && !*whole) return fail_errno("write", EPIPE);
  if (!whole && whole.error().sys_errno != EPIPE) return std::unexpected(std::move(whole.error()));
  return written;
}

/// One build in the guest.
class Build {
 public:
  Build(Io& io, Io& progress, const ContainerBuild& wanted, const BuildContext& files, std::vector<BaseLayers>& bases,
        const std::vector<image::BaseImage>& places, BuilderVm& vm)
      : io_(io), progress_(progress), wanted_(wanted), files_(files), bases_(bases), places_(places), vm_(vm) {}

  Result<Spool> run() {
    auto here = TRY(vm_.begin());
    TRY(send_bases(here));
    TRY(files_.directory.empty() ? send_input() : send_context());
    TRY(build());
    return fetch();
  }

 private:
  Result<> check(std::string_view what, Result<int> status) const {
    if (TRY(std::move(status)) == 0) return {};
    return fail(ErrorCode::unavailable, fmt::format("the builder could not {}", what),
                fmt::format("if its disk is full, 'banger vm delete {}' empties the cache", kBuilderVm));
  }

  Result<> send_bases(const std::set<std::string>& here) {
    auto write = [&](int fd, const image::StopFlag&) -> Result<> {
      auto writer = TRY(tar::TarWriter::open(fd));
      std::string table, known;
      std::set<std::string> sent = here;
      for (std::size_t i = 0; i < bases_.size(); ++i) {
        auto& base = bases_[i];
        auto directory = sent.insert(base.id).second ? fmt::format("base-{}", i) : "-";
        if (directory != "-") TRY(write_base(writer, directory, base));
        table += fmt::format("{} {} {}\n", base.id, directory, base.guest_name);
        for (const auto& layer : base.diff_ids) known += layer + "\n";
      }
      TRY(write_text(writer, "bases", table));
      TRY(write_text(writer, "known", known));
      TRY(write_text(writer, "ignore", files_.ignore_text));
      TRY(write_text(writer, "Containerfile", with_guest_names(files_.containerfile, places_, bases_)));
      return writer.finish();
    };
    return check("receive the base images", vm_.run_with_input("receive", write, {.err = io_.err}, {"."}));
  }

  Result<> send_context() {
    Unsent unsent;
    std::atomic<std::uint64_t> bytes = 0;
    {
      Progress progress(progress_);
      std::jthread ticker([&](std::stop_token stop) {
        for (; !stop.stop_requested(); std::this_thread::sleep_for(limits::kProgressTick))
          progress.update({"context", format_size(bytes), -1});
      });
      auto write = [&](int fd, const image::StopFlag& stop) { return write_context(files_, fd, unsent, bytes, stop); };
      TRY(check("receive the context", vm_.run_with_input("receive", write, {.err = io_.err}, {"."})));
    }
    for (const auto& [path, why] : unsent) {
      auto sentence = fmt::format("{} is not sent: {}", safe_text(path), safe_text(why));
      // A build that lacks a file without a word would be a riddle. Nobody expects a socket in an image.
      if (why != "it is a socket" && why != "it is a device")
        return fail(ErrorCode::denied, sentence, "make it readable, or name it in .dockerignore");
      progress_.note(sentence);
    }
    progress_.note(fmt::format("context: {}", format_size(bytes)));
    return {};
  }

  Result<> send_input() {
    auto write = [&](int fd, const image::StopFlag&) { return write_input(io_.in, fd); };
    return check("receive the context", vm_.run_with_input("receive", write, {.err = io_.err}, {"context"}));
  }

  Result<> build() {
    std::vector<std::string> options;
    for (const auto& [name, value] : wanted_.arguments)
      options.push_back(fmt::format("--build-arg={}={}", name, value));
    if (!wanted_.target.empty()) options.push_back("--target=" + wanted_.target);
    if (wanted_.no_cache) options.push_back("--no-cache");
    auto status = TRY(vm_.run("build", std::move(options), {.out = progress_.err, .err = io_.err}));
    if (status == 0) return {};
    return fail(ErrorCode::invalid, fmt::format("the build failed with status {}", status),
                "the lines above name the step");
  }

  Result<Spool> fetch() {
    auto spool = TRY(Spool::make(io_));
    auto pipe = TRY(BytePipe::make());
    Result<> copied;
    std::jthread copying([&, reader = std::move(pipe.reader)]() mutable {
      copied = copy_limited(reader.get(), spool.fd(), spool.directory(), limits::kBuilderDiskBytes);
      reader.reset();
    });
    Progress progress(progress_);
    progress.update({"fetch", "the image", -1});
    auto status = vm_.run("send", {}, {.out = pipe.writer.get(), .err = io_.err});
    pipe.writer.reset();
    copying.join();
    TRY(std::move(copied));
    TRY(check("send the image", std::move(status)));
    return spool;
  }

  Io& io_;
  Io& progress_;
  const ContainerBuild& wanted_;
  const BuildContext& files_;
  std::vector<BaseLayers>& bases_;
  const std::vector<image::BaseImage>& places_;
  BuilderVm& vm_;
};

}  // namespace

Result<api::ImageObject> build_container(Io& io, const ContainerBuild& wanted) {
  TRY(image::full_name(wanted.name, "docker.io"));  // a mistake is told before the work
  auto files = TRY(BuildContext::find(wanted.context, wanted.file));
  auto places = TRY(in("the Containerfile", image::base_images(files.containerfile, wanted.arguments, wanted.target)));
  Io progress = io;
  if (wanted.quiet) progress.err = -1;
  auto daemon = TRY(Daemon::connect(progress));
  std::vector<BaseLayers> bases;
  for (const auto& place : places)
    if (std::ranges::find(bases, place.name, &BaseLayers::name) == bases.end())
      bases.push_back(TRY(find_base(progress, daemon, place.name, wanted.pull)));
  auto vm = TRY(BuilderVm::open(progress, daemon));
  auto spool = Build(io, progress, wanted, files, bases, places, vm).run();
  bool interrupted = vm.end();
  if (!spool) return std::unexpected(std::move(spool.error()));
  if (interrupted) return fail(ErrorCode::cancelled, "interrupted");
  Json params = {{"layout", spool->path()}, {"name", wanted.name}};
  if (wanted.kernel) params["kernel"] = *wanted.kernel;
  return daemon.get<api::ImageObject>("image.build_from_layout", params);
}

}  // namespace banger::roles::cli
