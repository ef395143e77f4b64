// Small kernels, modules and packages, made in memory in the real formats, for the tests of this folder.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <lz4hc.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "support/run.h"
#include "support/temp_dir.h"

namespace samples {

using banger::test::run;
using banger::test::TempDir;

inline void write(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

template <class T>
std::string raw(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

/// An ELF64 x86-64 header, a banner with that release, and some bytes that do not compress away.
inline std::string vmlinux(const std::string& release = "6.1.0-test", std::size_t filler_bytes = 100'000) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  std::string elf =
      raw(header) + "Linux version %s (%s)" + '\0' + "Linux version " + release + " (someone@somewhere) #1 SMP\n";
  unsigned state = 1;
  for (std::size_t i = 0; i < filler_bytes; ++i)
    elf += static_cast<char>((state = state * 1103515245 + 12345) >> 24 & 0x3f);
  return elf;
}

inline std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string xz(const std::string& bytes) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t used = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                          bytes.size(), reinterpret_cast<std::uint8_t*>(out.data()), &used, out.size());
  out.resize(used);
  return out;
}

inline std::string zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

/// Legacy frames have blocks of 8 MiB. Smaller ones decode the same way, and give several blocks here.
inline std::string lz4_legacy(const std::string& bytes, std::size_t block_bytes = 30'000) {
  std::string out = "\x02\x21\x4c\x18";
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
    auto part = bytes.substr(at, block_bytes);
    std::string packed(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(part.size()))), '\0');
    int size =
        LZ4_compress_HC(part.data(), packed.data(), static_cast<int>(part.size()), static_cast<int>(packed.size()), 9);
    packed.resize(static_cast<std::size_t>(size));
    out += raw(static_cast<std::uint32_t>(size)) + packed;
  }
  return out;
}

/// A bzImage around a compressed payload; the build appends the size to all but gzip.
inline std::string bzimage(const std::string& payload, std::size_t unpacked_bytes, bool append_size = true) {
  std::string full = payload;
  if (append_size) full += raw(static_cast<std::uint32_t>(unpacked_bytes));
  std::string image(5 * 512, '\0');  // setup_sects = 4
  image[0x1f1] = 4;
  image.replace(0x1fe, 2, "\x55\xaa", 2);
  image.replace(0x202, 4, "HdrS");
  image.replace(0x206, 2, raw(std::uint16_t{0x020f}));
  image.replace(0x248, 4, raw(std::uint32_t{64}));
  image.replace(0x24c, 4, raw(static_cast<std::uint32_t>(full.size())));
  return image + std::string(64, 'c') + full + "trailer";
}

/// A relocatable ELF with nothing but .modinfo.
inline std::string module(const std::string& depends, const std::string& release = "6.1.0-test") {
  std::string modinfo = std::string("license=GPL") + '\0' + "depends=" + depends + '\0' + "vermagic=" + release +
                        " SMP mod_unload" + '\0';
  std::string names = std::string("\0.modinfo\0.shstrtab\0", 20);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  header.e_shoff = sizeof header + modinfo.size() + names.size();
  Elf64_Shdr sections[3]{};
  sections[1].sh_name = 1;
  sections[1].sh_offset = sizeof header;
  sections[1].sh_size = modinfo.size();
  sections[2].sh_name = 10;
  sections[2].sh_offset = sizeof header + modinfo.size();
  sections[2].sh_size = names.size();
  return raw(header) + modinfo + names + raw(sections);
}

inline la_ssize_t append(archive*, void* out, const void* bytes, std::size_t size) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

struct Entry {
  std::string path, content;
  unsigned type = AE_IFREG;
  std::string target = {};
  unsigned mode = 0644;  ///< of all but directories
};
inline Entry program(const std::string& path) { return {path, "ELF", AE_IFREG, "", 0755}; }

enum class Pack { none, gzip, xz, zstd };

inline std::string tar(const std::vector<Entry>& entries, Pack pack = Pack::none) {
  std::string out;
  archive* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  if (pack == Pack::gzip) archive_write_add_filter_gzip(writer);
  if (pack == Pack::xz) archive_write_add_filter_xz(writer);
  if (pack == Pack::zstd) archive_write_add_filter_zstd(writer);
  archive_write_set_bytes_in_last_block(writer, 1);  // so that no zeros follow the compressed data
  archive_write_open(writer, &out, nullptr, append, nullptr);
  for (const auto& entry : entries) {
    archive_entry* header = archive_entry_new();
    archive_entry_set_pathname(header, entry.path.c_str());
    archive_entry_set_filetype(header, entry.type);
    archive_entry_set_perm(header, entry.type == AE_IFDIR ? 0755 : entry.mode);
    archive_entry_set_size(header, static_cast<la_int64_t>(entry.content.size()));
    if (entry.type == AE_IFLNK) archive_entry_set_symlink(header, entry.target.c_str());
    archive_write_header(writer, header);
    archive_write_data(writer, entry.content.data(), entry.content.size());
    archive_entry_free(header);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  return out;
}

inline std::string ar_member(const std::string& name, const std::string& content) {
  char header[61];
  snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name.c_str(), 0, 0, 0, "100644", content.size());
  return header + content + (content.size() % 2 ? "\n" : "");
}

inline std::string deb(const std::vector<Entry>& entries, Pack pack = Pack::xz) {
  return "!<arch>\n" + ar_member("debian-binary", "2.0\n") + ar_member("control.tar.gz", "odd") +
         ar_member("data.tar.xz", tar(entries, pack));
}

}  // namespace samples
