#include "workspace/guest_tree.h"

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "tar/reader.h"
#include "workspace/bounds.h"
#include "workspace/work_refs.h"

namespace banger::workspace {

namespace {

using tar::EntryKind;

class Collector {
 public:
  Collector(tar::TarReader& reader, std::string prefix) : reader_(reader), prefix_(std::move(prefix)) {}

  Result<> add(const tar::TarEntry& entry) {
    if (!entry.path.starts_with(prefix_)) return {};
    auto path = entry.path.substr(prefix_.size());
    if (path.empty()) return {};
    tree.empty = false;
    if (entry.left_out) return fail(ErrorCode::unavailable, printable(path) + " cannot be read in the guest");
    if (path.starts_with(".git/")) return add_git_file(path, entry);
    bool file = entry.kind == EntryKind::file || entry.kind == EntryKind::hard_link;
    if ((!file && entry.kind != EntryKind::symlink) || !is_tree_name(path)) return {};
    if (tree.files.size() >= limits::kWorkspaceFiles) return fail(ErrorCode::exhausted, "the guest has too many files");
    if (entry.kind == EntryKind::hard_link) return add_hard_link(path, entry.target);
    FileState state{.link = !file, .executable = file && (entry.mode & 0100)};
    state.hash = file ? TRY(hash_content(entry)) : host::sha256_hex(entry.target);
    tree.files[path] = std::move(state);
    return {};
  }

  GuestTree tree;

 private:
  Result<> add_git_file(const std::string& path, const tar::TarEntry& entry) {
    if (entry.kind != EntryKind::file) return {};
    auto name = path.substr(5);
    if (path == kManifestName) return TRY(read(limits::kPreparedListBytes)), keep(tree.manifest.emplace());
    if (name == "HEAD") return TRY(read(limits::kRefBytes)), keep(tree.head);
    if (name == "packed-refs") return TRY(read(limits::kPackedRefsBytes)), add_packed_refs(text_, tree.refs);
    if (!counts_as_work(name)) return {};
    TRY(read(limits::kRefBytes));
    if (tree.refs.size() >= limits::kRefs) return fail(ErrorCode::exhausted, "the guest has too many branches");
    if (auto id = trim(text_); is_object_id(id)) tree.refs[name] = id;
    return {};
  }

  Result<> add_hard_link(const std::string& path, const std::string& target) {
    auto first = target.starts_with(prefix_) ? tree.files.find(target.substr(prefix_.size())) : tree.files.end();
    tree.files[path] = first == tree.files.end() ? FileState{} : first->second;
    return {};
  }

  Result<> keep(std::string& into) {
    into = std::move(text_);
    return {};
  }

  Result<> read(std::size_t most) {
    text_.clear();
    while (auto block = TRY(reader_.next_block())) {
      if (block->offset != text_.size() || block->data.size() > most - text_.size())
        return fail(ErrorCode::exhausted, "a file of the guest's git directory is too large");
      text_ += block->data;
    }
    return {};
  }

  Result<std::string> hash_content(const tar::TarEntry& entry) {
    static constexpr char kZeros[4096] = {};
    host::Sha256 hash;
    std::uint64_t at = 0;
    auto fill = [&](std::uint64_t end) {
      for (; at < end; at += std::min<std::uint64_t>(end - at, sizeof kZeros))
        hash.add({kZeros, static_cast<std::size_t>(std::min<std::uint64_t>(end - at, sizeof kZeros))});
    };
    auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(entry.size, 0));
    hashed_ += std::min(size, limits::kGuestTreeBytes);
    if (hashed_ > limits::kGuestTreeBytes || size > limits::kGuestTreeBytes)
      return fail(ErrorCode::exhausted, printable(entry.path) + " is too large");
    while (auto block = TRY(reader_.next_block())) {
      if (block->offset > size || block->offset < at)
        return fail(ErrorCode::corrupt, printable(entry.path) + " has more content than its size");
      fill(block->offset);
      hash.add(block->data);
      at += block->data.size();
    }
    fill(size);
    return hash.finish();
  }

  tar::TarReader& reader_;
  std::string prefix_, text_;
  std::uint64_t hashed_ = 0;  ///< bytes of all files, holes too
};

}  // namespace

Result<GuestTree> read_guest_tree(int tar_fd, const std::string& name) {
  auto reader = TRY(tar::TarReader::open(tar_fd, tar::Compression::none));
  Collector collector(reader, name + "/");
  while (auto entry = TRY(reader.next())) TRY(collector.add(*entry));
  return std::move(collector.tree);
}

}  // namespace banger::workspace
