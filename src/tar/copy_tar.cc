#include <algorithm>

#include "base/text.h"
#include "tar/reader.h"
#include "tar/tar.h"
#include "tar/writer.h"

namespace banger::tar {

namespace {

Result<> copy_content(TarReader& reader, TarWriter& writer, std::int64_t size) {
  std::uint64_t at = 0, end = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
  while (auto block = TRY(reader.next_block())) {
    if (block->offset > end || block->data.size() > end - block->offset)
      return fail(ErrorCode::corrupt, "it has more content than its size");
    TRY(writer.write_zeros(block->offset - at));
    TRY(writer.write(block->data));
    at = block->offset + block->data.size();
  }
  return writer.write_zeros(end - at);
}

}  // namespace

Result<> copy_tar(int from, int to, const LeftOut& left_out) {
  auto reader = TRY(TarReader::open(from, Compression::none));
  auto writer = TRY(TarWriter::open(to));
  while (auto entry = TRY(reader.next())) {
    if (entry->left_out) {
      left_out(entry->path, *entry->left_out);
    } else if (entry->kind == EntryKind::other) {
      left_out(entry->path, "it is of an unknown kind");
    } else {
      TRY(writer.add(*entry, entry->extents));
      if (entry->kind == EntryKind::file)
        TRY(in("archive entry '" + printable(entry->path) + "'", copy_content(reader, writer, entry->size)));
    }
  }
  return writer.finish();
}

}  // namespace banger::tar
