#include "roles/helper/operation_lock.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <utility>

namespace banger::roles::helper {

struct OperationLock::Shared {
  pthread_mutex_t mutex;
};

Result<OperationLock> OperationLock::make() {
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno("shared memory");
  OperationLock lock(new (memory) Shared);
  pthread_mutexattr_t kind;
  ::pthread_mutexattr_init(&kind);
  ::pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  // The lock of a handler that was killed goes to the next handler.
  ::pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
  int error = ::pthread_mutex_init(&lock.shared_->mutex, &kind);
  ::pthread_mutexattr_destroy(&kind);
  if (error) return fail_errno("make a mutex", error);
  return lock;
}

OperationLock::OperationLock(OperationLock&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}

OperationLock::~OperationLock() {
  if (shared_) ::munmap(shared_, sizeof(Shared));
}

Result<> OperationLock::lock(std::chrono::milliseconds deadline) const {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  auto left = std::chrono::nanoseconds(until.tv_nsec) + deadline;
  until.tv_sec += std::chrono::duration_cast<std::chrono::seconds>(left).count();
  until.tv_nsec = (left % std::chrono::seconds(1)).count();
  int error = ::pthread_mutex_clocklock(&shared_->mutex, CLOCK_MONOTONIC, &until);
  if (error == EOWNERDEAD) error = ::pthread_mutex_consistent(&shared_->mutex);
  if (error == ETIMEDOUT) return fail(ErrorCode::busy, "another operation is still running");
  if (error) return fail_errno("wait for other operations", error);
  return {};
}

void OperationLock::unlock() const { ::pthread_mutex_unlock(&shared_->mutex); }

}  // namespace banger::roles::helper
