#include "roles/agent/warm_up.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest/root.h"
#include "host/files.h"
#include "link/bounds.h"

namespace banger::roles::agent {

namespace {

constexpr const char* kFile = "/etc/hostname";  // the first file that a clone writes

// Best effort: kernels before 5.14 lack MADV_POPULATE_READ, and then each page is mapped on first use. Segment by
// segment, because a linker may leave a free page between two segments, and the kernel stops there.
void map_program() {
  auto map = [](dl_phdr_info* object, std::size_t, void* page) {
    auto mask = *static_cast<const std::uintptr_t*>(page) - 1;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue;
      auto begin = object->dlpi_addr + segment.p_vaddr, aligned = begin & ~mask;
      ::madvise(reinterpret_cast<void*>(aligned), begin + segment.p_memsz - aligned, MADV_POPULATE_READ);
    }
    return 1;  // the program is the first object; libraries need no mapping
  };
  auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  ::dl_iterate_phdr(map, &page);
}

Result<> write_same(const std::string& root_path) {
  auto root = TRY(guest::Root::open(root_path));
  auto file = root.open_path(kFile, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!file)
    return file.error().code == ErrorCode::not_found ? Result<>() : Result<>(std::unexpected(std::move(file).error()));
  auto text = TRY(host::read_all(file->get(), kFile, limits::kLinkJsonBytes));
  if (::pwrite(file->get(), text.data(), text.size(), 0) < 0) return fail_errno(kFile);
  return {};
}

}  // namespace

Result<> warm_up(const std::string& root) {
  map_program();
  return write_same(root);
}

}  // namespace banger::roles::agent
