#include "image/kernel/modules.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "base/text.h"
#include "host/files.h"
#include "image/bounds.h"
#include "image/kernel/decompress.h"
#include "image/kernel/store.h"
#include "tar/bounds.h"

namespace banger::image {

namespace fs = std::filesystem;

// The last two are for file systems that systemd mounts in each boot.
std::vector<std::string> early_module_names() {
  return {"virtio",
          "virtio_ring",
          "virtio_mmio",
          "virtio_pci_legacy_dev",
          "virtio_pci_modern_dev",
          "virtio_pci",
          "virtio_console",
          "virtio_blk",
          "failover",
          "net_failover",
          "virtio_net",
          "virtio_rng",
          "virtio_balloon",
          "overlay",
          "vsock",
          "vmw_vsock_virtio_transport_common",
          "vmw_vsock_virtio_transport",
          "button",
          "configfs",
          "fuse"};
}

namespace {

/// The bytes [offset, offset + size) of a file, or nullopt when the file is shorter.
std::optional<std::string_view> slice(std::string_view bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.substr(offset, size);
}

template <class T>
std::optional<T> struct_at(std::string_view bytes, std::uint64_t offset) {
  auto part = slice(bytes, offset, sizeof(T));
  if (!part) return std::nullopt;
  T value;
  std::memcpy(&value, part->data(), sizeof value);
  return value;
}

/// The content of a section by name (elf(5)), or nullopt.
std::optional<std::string_view> find_section(std::string_view elf, std::string_view name) {
  auto header = struct_at<Elf64_Ehdr>(elf, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64)
    return std::nullopt;
  auto section = [&](std::uint64_t index) {
    // e_shoff is untrusted: keep the product from wrapping.
    if (header->e_shoff > elf.size()) return std::optional<Elf64_Shdr>();
    return struct_at<Elf64_Shdr>(elf, header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  auto names_header = section(header->e_shstrndx);
  if (!names_header) return std::nullopt;
  auto names = slice(elf, names_header->sh_offset, names_header->sh_size);
  if (!names) return std::nullopt;
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    auto found = section(i);
    if (!found || found->sh_name >= names->size()) return std::nullopt;
    auto rest = names->substr(found->sh_name);
    if (rest.substr(0, rest.find('\0')) == name) return slice(elf, found->sh_offset, found->sh_size);
  }
  return std::nullopt;
}

/// The kernel reads '-' in module names as '_'.
std::string canonical(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

/// "virtio_blk" for ".../virtio_blk.ko.xz"; empty when the file is not a module.
std::string module_name(const std::string& file) {
  for (std::string_view suffix : {".ko", ".ko.xz", ".ko.zst", ".ko.gz"})
    if (file.size() > suffix.size() && file.ends_with(suffix))
      return canonical(file.substr(0, file.size() - suffix.size()));
  return {};
}

/// Depth first, so that a module's dependencies come before the module.
class Collector {
 public:
  Collector(std::map<std::string, std::string> files, std::string into, std::string_view release)
      : files_(std::move(files)), into_(std::move(into)), release_(release) {}

  Result<> add(const std::string& name) {
    auto file = files_.find(name);
    if (file == files_.end() || !seen_.insert(name).second) return {};
    auto bytes = TRY(host::read_file(file->second, limits::kModuleBytes));
    auto module = TRY(in(file->second, decompress(bytes, limits::kModuleBytes)));
    auto info = TRY(in(file->second, read_module_info(module)));
    if (!release_.empty() && !info.release.empty() && info.release != release_)
      return fail(ErrorCode::invalid, fmt::format("{} is for kernel {}, not {}", file->second, info.release, release_),
                  "give the modules that came with this kernel");
    for (const auto& needed : info.depends) TRY(add(canonical(needed)));
    TRY(host::write_file(into_ + "/" + name + ".ko", module, 0644));
    order_.push_back(name + ".ko");
    return {};
  }
  std::vector<std::string> take() && { return std::move(order_); }

 private:
  std::map<std::string, std::string> files_;
  std::string into_;
  std::string_view release_;
  std::set<std::string> seen_;
  std::vector<std::string> order_;
};

}  // namespace

Result<std::map<std::string, std::string>> find_modules(const std::string& tree) {
  std::map<std::string, std::string> found;
  std::error_code error;
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(tree, options, error), end; !error && at != end; at.increment(error)) {
    if (found.size() > limits::kArchiveEntries)
      return fail(ErrorCode::exhausted, fmt::format("{}: too many files", tree));
    if (!at->is_regular_file(error) || at->is_symlink(error)) continue;
    if (auto name = module_name(at->path().filename().string()); !name.empty())
      found.emplace(name, at->path().string());
  }
  if (error) return fail_errno(tree, error.value());
  return found;
}

Result<ModuleInfo> read_module_info(std::string_view module) {
  auto modinfo = find_section(module, ".modinfo");
  if (!modinfo) return fail(ErrorCode::corrupt, "not a kernel module");
  ModuleInfo info;
  for (auto entry : split(*modinfo, '\0')) {
    if (entry.starts_with("depends="))
      for (auto name : split(entry.substr(8), ','))
        if (!name.empty()) info.depends.emplace_back(name);
    if (entry.starts_with("vermagic=")) info.release = std::string(split(entry.substr(9), ' ')[0]);
  }
  return info;
}

Result<std::vector<std::string>> collect_early_modules(const std::string& tree, const std::string& into,
                                                       std::string_view release) {
  Collector collector(TRY(find_modules(tree)), into, release);
  if (::mkdir(into.c_str(), 0755) < 0) return fail_errno(into);
  for (const auto& name : early_module_names()) TRY(collector.add(name));
  return std::move(collector).take();
}

}  // namespace banger::image
