// Tells when SQLite waits for the disk. What was written before is safe from a power cut then.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <map>
#include <utility>

namespace banger::test {

/// Calls `on_sync` at every sync of each database that is opened from now on. One at a time, in one thread.
class SyncWatch {
 public:
  explicit SyncWatch(std::function<void()> on_sync) {
    if (!original()) install();
    callback() = std::move(on_sync);
  }
  ~SyncWatch() { callback() = {}; }
  SyncWatch(const SyncWatch&) = delete;
  SyncWatch& operator=(const SyncWatch&) = delete;

 private:
  using Methods = sqlite3_io_methods;

  static std::function<void()>& callback() {
    static std::function<void()> callback;
    return callback;
  }
  static sqlite3_vfs*& original() {
    static sqlite3_vfs* original = nullptr;
    return original;
  }
  /// SQLite's own methods of a file, for each table of methods with a watched sync.
  static std::map<const Methods*, const Methods*>& originals() {
    static std::map<const Methods*, const Methods*> originals;
    return originals;
  }

  // Open databases refer to it, so it stays for the rest of the process.
  static void install() {
    original() = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs watched = *original();
    watched.zName = "watched";
    watched.xOpen = open;
    sqlite3_vfs_register(&watched, 1);
  }

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
    int status = original()->xOpen(vfs, name, file, flags, out_flags);
    if (status == SQLITE_OK && file->pMethods) file->pMethods = watched_methods(file->pMethods);
    return status;
  }

  static const Methods* watched_methods(const Methods* methods) {
    static std::map<const Methods*, Methods> tables;
    auto& table = tables.try_emplace(methods, *methods).first->second;
    table.xSync = sync;
    originals()[&table] = methods;
    return &table;
  }

  static int sync(sqlite3_file* file, int flags) {
    if (callback()) callback()();
    return originals().at(file->pMethods)->xSync(file, flags);
  }
};

}  // namespace banger::test
