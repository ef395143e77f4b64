// One coroutine at a time for each key. Control thread only.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "host/runtime.h"

namespace banger::image::oci {

class KeyedLocks {
 public:
  explicit KeyedLocks(host::Runtime& runtime) : changed_(runtime) {}

  class Lock {
   public:
    Lock(KeyedLocks* locks, std::string key) : locks_(locks), key_(std::move(key)) {}
    Lock(Lock&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), key_(std::move(other.key_)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (locks_) locks_->unlock(key_);
    }

   private:
    KeyedLocks* locks_;
    std::string key_;
  };

  /// Waits for its turn, which is not in order of arrival. Calls `waiting` now and then meanwhile. `cancelled` once the
  /// caller has gone away.
  Task<Result<Lock>> lock(std::string key, host::Cancel& cancel, std::function<void()> waiting = {});
  bool held(const std::string& key) const { return held_.contains(key); }

 private:
  void unlock(const std::string& key) {
    held_.erase(key);
    changed_.notify_all();
  }
  std::set<std::string> held_;
  host::Event changed_;
};

}  // namespace banger::image::oci
