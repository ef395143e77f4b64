// Writing bundles.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "image/catalog/bounds.h"
#include "image/catalog/bundle.h"
#include "image/tar_stream.h"
#include "tar/compress.h"
#include "tar/writer.h"

namespace banger::image::catalog {

namespace {

Result<> add_member(BundleContent& content, std::string name, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) < 0) return fail_errno(path);
  content.manifest.members.push_back({.name = std::move(name),
                                      .size_bytes = static_cast<std::uint64_t>(info.st_size),
                                      .sha256 = TRY(host::sha256_file(path))});
  content.files.push_back(path);
  return {};
}

/// Copies the file into the member that the writer has begun, and checks that it is the announced file.
Result<> copy_file(const std::string& path, const BundleMember& member, tar::TarWriter& writer) {
  auto file = TRY(host::open_file(path, O_RDONLY));
  std::string buffer(limits::kCompressBufferBytes, '\0');
  host::Sha256 digest;
  for (std::uint64_t left = member.size_bytes; left > 0;) {
    ssize_t got = ::read(file.get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) break;
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    digest.add(bytes);
    TRY(writer.write(bytes));
    left -= bytes.size();
  }
  if (digest.finish() == member.sha256) return {};
  return fail(ErrorCode::corrupt, fmt::format("{} does not have its content any more", path));
}

Result<> write_tar(const BundleContent& content, int fd) {
  auto writer = TRY(tar::TarWriter::open(fd));
  auto entry = [](std::string name, std::uint64_t size) {
    return tar::TarEntry{
        .path = std::move(name), .kind = tar::EntryKind::file, .mode = 0644, .size = static_cast<std::int64_t>(size)};
  };
  std::string manifest = to_text(content.manifest);
  TRY(writer.add(entry("manifest.json", manifest.size())));
  TRY(writer.write(manifest));
  for (std::size_t i = 0; i < content.files.size(); ++i) {
    const auto& member = content.manifest.members[i];
    TRY(writer.add(entry(member.name, member.size_bytes)));
    TRY(copy_file(content.files[i], member, writer));
  }
  return writer.finish();
}

}  // namespace

Result<BundleContent> bundle_of(const Image& image) {
  TRY(check_host_file(image));
  BundleContent content{.manifest = {.kind = BundleKind::image,
                                     .name = image.name.empty() ? image.id : image.name,
                                     .source = image.source,
                                     .kernel = image.kernel,
                                     .run_config = image.run_config},
                        .files = {}};
  TRY(add_member(content, "rootfs.ext4", image.rootfs));
  TRY(check_host_file(image));  // it may have changed while it was read
  return content;
}

Result<BundleContent> bundle_of(const Kernel& kernel) {
  BundleContent content{
      .manifest = {.kind = BundleKind::kernel, .name = kernel.name, .source = kernel.source, .release = kernel.release},
      .files = {}};
  TRY(add_member(content, "vmlinux", kernel.vmlinux));
  for (const auto& module : kernel.modules)
    TRY(add_member(content, "modules/" + module.substr(module.rfind('/') + 1), module));
  if (!kernel.modules_image.empty()) TRY(add_member(content, "modules.ext4", kernel.modules_image));
  if (!kernel.initrd.empty()) TRY(add_member(content, "initrd", kernel.initrd));
  return content;
}

Result<> write_bundle(const BundleContent& content, int fd) {
  auto pipe = TRY(make_tar_pipe());
  Result<> compressed, written;
  try {
    std::jthread compressing([&] { compressed = tar::compress(pipe.read.get(), fd); });
    written = write_tar(content, pipe.write.get());
    pipe.write.reset();
  } catch (const std::system_error& error) {
    return fail_errno("start a thread", error.code().value());
  }
  TRY(std::move(compressed));
  return written;
}

}  // namespace banger::image::catalog
