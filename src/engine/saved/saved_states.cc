#include "engine/saved/saved_states.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/capability.h"
#include "engine/bounds.h"
#include "host/files.h"
#include "machine/qemu/bounds.h"

namespace banger::engine {

namespace fs = std::filesystem;

namespace {

std::int64_t now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

// The fingerprint of a file. Every write to the file changes at least one of these values.
Result<Json> fingerprint(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  return Json{{"size", info.st_size},
              {"inode", info.st_ino},
              {"modified_ns", info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec}};
}

Result<Json> fingerprints(const std::string& directory, Durable durable) {
  bool sync = durable == Durable::yes;
  Json files = Json::object();
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (sync) {
      auto file = TRY(host::open_file(entry.path().string(), O_RDONLY));
      if (::fsync(file.get()) < 0) return fail_errno(entry.path().string());
    }
    files[entry.path().filename().string()] = TRY(fingerprint(entry.path().string()));
  }
  if (error) return fail_errno(directory, error.value());
  auto self = TRY(host::open_file(directory, O_RDONLY | O_DIRECTORY));
  if (sync && ::fsync(self.get()) < 0) return fail_errno(directory);
  return files;
}

}  // namespace

Result<> SavedStates::load() {
  for (auto& row : TRY(store_.saves())) {
    if (row.ready) {
      auto id = row.id;
      rows_.emplace(std::move(id), std::move(row));
      continue;
    }
    log_.info("save.unfinished", {{"id", row.id}, {"kind", store::to_string(row.kind)}});
    TRY(host::remove_tree(directory(row.id)));
    TRY(store_.delete_save(row.id));
  }
  return {};
}

std::vector<store::SaveRow> SavedStates::list(store::SaveKind kind) const {
  std::vector<store::SaveRow> found;
  for (const auto& [id, row] : rows_)
    if (row.kind == kind) found.push_back(row);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id); });
  return found;
}

Result<store::SaveRow> SavedStates::get(std::string_view id) const {
  auto it = rows_.find(id);
  if (it == rows_.end()) return fail(ErrorCode::not_found, fmt::format("there is no saved state '{}'", id));
  return it->second;
}

std::uint64_t SavedStates::disk_usage(const std::string& id) const {
  std::uint64_t sum = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory(id), error)) {
    // A file that also has a name in the kernel's store is not freed with the saved state.
    bool shared = entry.path().filename() == capabilities::kModulesDisk && entry.hard_link_count(error) > 1;
    if (!shared) sum += host::disk_usage(entry.path().string());
  }
  return sum;
}

machine::SavedState SavedStates::new_state(const store::SaveRow& row) const {
  auto files = directory(row.id);
  return {.devices = files + "/devices.state",
          .memory = files + "/memory.img",
          .changes = row.kind == store::SaveKind::fork ? files + "/memory.changes" : "",
          .whole = {}};
}

Result<machine::SavedState> SavedStates::state(const store::SaveRow& row, std::string build_key) {
  auto state = new_state(row);
  if (!row.ready) {
    state.whole = [this, id = row.id, build_key]() -> Task<Result<>> {
      CO_TRY(co_await wait_finished(id));
      co_return check(CO_TRY(get(id)), build_key);
    };
    return state;
  }
  TRY(check(row, build_key));
  if (::access(state.changes.c_str(), F_OK) < 0) state.changes.clear();
  return state;
}

Task<Result<>> SavedStates::wait_finished(std::string id) {
  for (;;) {
    auto row = get(id);
    if (!row)
      co_return fail(ErrorCode::unavailable, "the saved state that the VM should start from could not be saved");
    if (row->ready) co_return Result<>{};
    co_await changed_.wait(host::after(limits::kSavePoll));
  }
}

Result<store::SaveRow> SavedStates::begin(store::SaveRow row) {
  row.id = host::random_id();
  row.ready = false;
  row.created_at = row.used_at = now();
  TRY(store_.insert_save(row));
  rows_[row.id] = row;
  TRY(host::make_private_directory(directory(row.id)));
  return row;
}

Result<> SavedStates::update(store::SaveRow row, Durable durable) {
  TRY(store_.update_save(row, durable));
  auto id = row.id;
  rows_[id] = std::move(row);
  return {};
}

Task<Result<>> SavedStates::copy_memory(std::string from, store::SaveRow to) {
  auto source = CO_TRY(get(from));
  CO_TRY(check(source, source.build_key));
  auto have = new_state(source), wanted = new_state(to);
  auto copy = [shares = to.kind == store::SaveKind::fork](const std::string& a, const std::string& b) {
    return shares ? host::share_file(a, b) : host::clone_file(a, b);
  };
  co_return co_await runtime_.blocking([&]() -> Result<> {
    TRY(copy(have.devices, wanted.devices));
    return copy(have.memory, wanted.memory);
  });
}

Task<Result<store::SaveRow>> SavedStates::finish(std::string id, Durable durable) {
  auto path = directory(id);
  auto files = CO_TRY(co_await runtime_.blocking([&] { return fingerprints(path, durable); }));
  auto row = CO_TRY(get(id));
  row.files = dump_json(files);
  row.ready = true;
  CO_TRY(update(row, durable));
  changed_.notify_all();
  co_return row;
}

Result<> SavedStates::check(const store::SaveRow& row, std::string_view build_key) const {
  if (!row.ready) return fail(ErrorCode::busy, fmt::format("the saved state '{}' is still being made", row.id));
  if (row.has_memory() && row.build_key != build_key)
    return fail(ErrorCode::unsupported,
                fmt::format("only the build of the VMM that saved it can load it ({})", row.machine));
  auto files = TRY(parse_json(row.files, limits::kRpcMessageBytes));
  for (const auto& [name, then] : files.items())
    if (TRY(fingerprint(directory(row.id) + "/" + name)) != then)
      return fail(ErrorCode::corrupt, fmt::format("{}/{} was changed after it was saved", directory(row.id), name));
  return {};
}

// QEMU makes a missing memory file anew. So the directory may get a file while it is being removed, if a machine is
// just starting from it. Without the directory that machine fails.
Task<Result<>> SavedStates::remove_files(std::string path) {
  for (int attempt = 1;; ++attempt) {
    auto removed = co_await runtime_.blocking([&] { return remove_tree_(path); });
    if (removed || attempt == limits::kRemoveAttempts) co_return removed;
    co_await runtime_.sleep_for(limits::kRemovePause);
  }
}

Task<Result<>> SavedStates::drop(std::string id) {
  auto path = directory(id);
  dropping_.insert(id);
  if (auto row = get(id)) {
    // From here on the saved state must never be used again. On a full disk this write may fail. A record without its
    // files is useless as well, so the failure does no harm.
    row->ready = false;
    (void)store_.update_save(*row);
    rows_.erase(id);
  }
  users_.erase(id);
  failed_.erase(id);
  changed_.notify_all();
  auto removed = co_await remove_files(std::move(path));
  dropping_.erase(id);
  CO_TRY(std::move(removed));
  co_return store_.delete_save(id);
}

void SavedStates::use(const std::string& id) {
  if (!id.empty()) ++users_[id];
}

bool SavedStates::disposable(const store::SaveRow& row) const {
  using enum store::SaveKind;
  return row.kind == suspend || row.kind == fork || (row.kind == template_ && row.ready && row.key.empty());
}

Task<> SavedStates::drop_or_log(SavedStates* self, std::string id) {
  auto dropped = co_await self->drop(id);
  if (!dropped) self->log_.warn("save.drop_failed", {{"id", id}, {"error", dropped.error().sentence()}});
}

void SavedStates::release(const std::string& id) {
  auto it = users_.find(id);
  if (it == users_.end() || --it->second > 0) return;
  users_.erase(it);
  if (auto row = get(id); row && disposable(*row)) runtime_.spawn(drop_or_log(this, id));
}

// A spawned coroutine may start at once, so all rows are found before the first one is erased.
void SavedStates::sweep(const std::function<bool(const store::SaveRow& row)>& which) {
  std::vector<std::string> unused;
  for (const auto& [id, row] : rows_)
    if (disposable(row) && !in_use(id) && which(row)) unused.push_back(id);
  for (const auto& id : unused) runtime_.spawn(drop_or_log(this, id));
}

Result<> SavedStates::retire(const std::string& id) {
  auto row = TRY(get(id));
  row.key.clear();
  TRY(update(row));
  if (!in_use(id)) runtime_.spawn(drop_or_log(this, id));
  return {};
}

Result<> SavedStates::touch(const std::string& id) {
  failed_.erase(id);
  auto row = TRY(get(id));
  row.used_at = now();
  return update(std::move(row), Durable::no);
}

}  // namespace banger::engine
