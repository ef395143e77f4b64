#include "ext4/io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "host/files.h"

namespace banger::ext4 {

namespace {

int fd_of(io_channel channel) { return static_cast<int>(reinterpret_cast<std::intptr_t>(channel->private_data)); }

std::size_t size_of(io_channel channel, int count) {  // libext2fs: a negative count is bytes
  return count < 0 ? static_cast<std::size_t>(-static_cast<long>(count))
                   : static_cast<std::size_t>(count) * static_cast<std::size_t>(channel->block_size);
}

errcode_t transfer(io_channel channel, std::uint64_t offset, std::size_t size, char* into, const char* from) {
  while (size > 0) {
    ssize_t moved = into ? ::pread(fd_of(channel), into, size, static_cast<off_t>(offset))
                         : ::pwrite(fd_of(channel), from, size, static_cast<off_t>(offset));
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0) return errno;
    if (moved == 0 && !into) return EXT2_ET_SHORT_WRITE;
    if (moved == 0) {  // past the end of a file that still grows: holes, so zeros
      std::memset(into, 0, size);
      return 0;
    }
    offset += static_cast<std::uint64_t>(moved);
    size -= static_cast<std::size_t>(moved);
    if (into)
      into += moved;
    else
      from += moved;
  }
  return 0;
}

errcode_t io_open(const char* name, int, io_channel* out) {
  int fd = -1;
  if (std::from_chars(name, name + std::strlen(name), fd).ec != std::errc() || fd < 0) return EBADF;
  auto channel = std::make_unique<struct_io_channel>();
  channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
  channel->manager = descriptor_io();
  channel->name = ::strdup(name);
  if (!channel->name) return ENOMEM;
  channel->block_size = 1024;
  channel->refcount = 1;
  channel->private_data = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
  *out = channel.release();
  return 0;
}

errcode_t io_close(io_channel channel) {
  if (--channel->refcount > 0) return 0;
  ::free(channel->name);
  delete channel;
  return 0;
}

errcode_t io_set_blksize(io_channel channel, int size) {
  channel->block_size = size;
  return 0;
}

errcode_t io_read(io_channel channel, unsigned long long block, int count, void* data) {
  return transfer(channel, block * static_cast<unsigned>(channel->block_size), size_of(channel, count),
                  static_cast<char*>(data), nullptr);
}
errcode_t io_write(io_channel channel, unsigned long long block, int count, const void* data) {
  return transfer(channel, block * static_cast<unsigned>(channel->block_size), size_of(channel, count), nullptr,
                  static_cast<const char*>(data));
}
errcode_t io_read32(io_channel channel, unsigned long block, int count, void* data) {
  return io_read(channel, block, count, data);
}
errcode_t io_write32(io_channel channel, unsigned long block, int count, const void* data) {
  return io_write(channel, block, count, data);
}
errcode_t io_write_byte(io_channel channel, unsigned long offset, int count, const void* data) {
  return transfer(channel, offset, static_cast<std::size_t>(count), nullptr, static_cast<const char*>(data));
}
errcode_t io_flush(io_channel) { return 0; }

errcode_t io_punch(io_channel channel, unsigned long long block, unsigned long long count) {
  auto unit = static_cast<unsigned>(channel->block_size);
  return ::fallocate(fd_of(channel), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(block * unit),
                     static_cast<off_t>(count * unit)) < 0
             ? EXT2_ET_UNIMPLEMENTED
             : 0;
}

constexpr struct_io_manager kDescriptorIo{
    .magic = EXT2_ET_MAGIC_IO_MANAGER,
    .name = "descriptor",
    .open = io_open,
    .close = io_close,
    .set_blksize = io_set_blksize,
    .read_blk = io_read32,
    .write_blk = io_write32,
    .flush = io_flush,
    .write_byte = io_write_byte,
    .read_blk64 = io_read,
    .write_blk64 = io_write,
    .discard = io_punch,
    .zeroout = io_punch,
};

}  // namespace

io_manager descriptor_io() {
  return const_cast<io_manager>(&kDescriptorIo);  // libext2fs takes a pointer to non-const but never writes through it
}

std::unexpected<Error> fail_ext2(std::string_view what, errcode_t code) {
  if (code > 0 && code < 4096) return fail_errno(what, static_cast<int>(code));
  if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_INODE_ALLOC_FAIL)
    return fail(ErrorCode::exhausted, fmt::format("{}: the file system is full", what), "make it larger");
  if (code == EXT2_ET_NO_MEMORY) return fail(ErrorCode::exhausted, fmt::format("{}: out of memory", what));
  initialize_ext2_error_table();
  return fail(ErrorCode::corrupt, fmt::format("{}: {}", what, error_message(code)));
}

Result<ReadOnlyImage> open_image(const std::string& path) {
  ReadOnlyImage image;
  image.fd = TRY(host::open_file(path, O_RDONLY));
  ext2_filsys fs = nullptr;
  errcode_t code =
      ext2fs_open2(std::to_string(image.fd.get()).c_str(), nullptr, EXT2_FLAG_64BITS, 0, 0, descriptor_io(), &fs);
  if (code) return fail_ext2(path, code);
  image.fs.reset(fs);
  return image;
}

}  // namespace banger::ext4
