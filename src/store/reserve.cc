#include "store/reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include "host/files.h"
#include "store/bounds.h"

namespace banger::store {

void Reserve::keep() const {
  if (::access(path_.c_str(), F_OK) == 0) return;
  auto free = host::free_space(path_.substr(0, path_.rfind('/') + 1));
  if (!free || *free < limits::kReserveFloorBytes) return;
  auto file = host::open_file(path_, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file && ::fallocate(file->get(), 0, 0, limits::kReserveBytes) < 0) (void)host::remove_file(path_);
}

bool Reserve::give_up() const { return ::unlink(path_.c_str()) == 0; }

}  // namespace banger::store
