#include "roles/agent/rehearse.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bounds.h"
#include "guest/root.h"
#include "host/files.h"

extern const char __executable_start, etext;  // the linker's

namespace banger::roles::agent {

namespace {

constexpr const char* kFile = "/etc/hostname";  // what a clone writes first

// Best effort: kernels before 5.14 have no word for it, and then each page is mapped when it is needed.
void map_program() {
  auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) / page * page;
  ::madvise(reinterpret_cast<void*>(begin), reinterpret_cast<std::uintptr_t>(&etext) - begin, MADV_POPULATE_READ);
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

Result<> rehearse(const std::string& root) {
  map_program();
  return write_same(root);
}

}  // namespace banger::roles::agent
