#include "engine/fleet/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "engine/bounds.h"

namespace banger::engine {

namespace {

std::uint64_t memory_of(const SavedStates& saves, const std::string& save_id) {
  auto save = saves.get(save_id);
  auto spec = save ? saved_spec(*save) : std::unexpected(save.error());
  return spec ? spec->memory_bytes : 0;
}

}  // namespace

std::size_t Pool::count(std::string_view save_id) const {
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [&](const Member& m) { return m.save_id == save_id; }));
}

void Pool::note_use(const std::string& save_id) {
  last_used_[save_id] = host::Clock::now();
  wake_.notify_all();
}

std::shared_ptr<VmOwner> Pool::take(std::string_view save_id) {
  auto it = std::find_if(members_.begin(), members_.end(), [&](const Member& m) {
    return m.save_id == save_id && m.ready && m.vm->state() == vm::State::running;
  });
  if (it == members_.end()) return nullptr;
  auto vm = it->vm;
  members_.erase(it);
  wake_.notify_all();
  return vm;
}

void Pool::adopt(std::shared_ptr<VmOwner> vm) {
  auto save_id = vm->record().row().save_id;
  last_used_[save_id] = host::Clock::now();
  members_.push_back({std::move(vm), std::move(save_id), host::Clock::now(), true});
}

Task<> Pool::fill_one(std::string save_id) {
  auto save = services_.saves.get(save_id);
  auto vm = save ? vms_.make(*save) : std::unexpected(save.error());
  if (!vm) {
    services_.log.warn("pool.failed", {{"template", save_id}, {"error", vm.error().sentence()}});
    last_used_.erase(save_id);
    co_return;
  }
  members_.push_back({*vm, save_id, host::Clock::now(), false});
  host::Cancel never(services_.runtime);
  Stages stages{Report{}};
  auto done = co_await (*vm)->make(stages, never, save_id, Durable::no);
  if (done) done = co_await (*vm)->start(stages, never, WaitFor::system);
  // The pool keeps only clones. A machine that booted because its template failed is not a clone.
  if (done && (*vm)->record().row().started_from != store::StartedFrom::clone)
    done = fail(ErrorCode::unavailable, "its template did not work");
  // The machine does its deferred work before a user gets it.
  if (done) done = co_await (*vm)->warm_up();
  if (done && closing_) done = fail(ErrorCode::cancelled, "the daemon is ending");
  auto it = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.vm == *vm; });
  if (done && it != members_.end()) {
    it->ready = true;
    it->since = host::Clock::now();
    services_.log.info("pool.filled", {{"template", save_id}, {"id", (*vm)->record().id()}});
    co_return;
  }
  if (!done) services_.log.warn("pool.failed", {{"template", save_id}, {"error", done.error().sentence()}});
  if (it != members_.end()) members_.erase(it);
  (void)co_await vms_.remove(*vm);
  last_used_.erase(save_id);
}

Task<> Pool::remove_matching(std::function<bool(const Member&)> which) {
  std::vector<std::shared_ptr<VmOwner>> going;
  std::erase_if(members_, [&](const Member& member) {
    if (!which(member)) return false;
    going.push_back(member.vm);
    return true;
  });
  for (const auto& vm : going) {
    services_.log.info("pool.removed", {{"id", vm->record().id()}});
    (void)co_await vms_.remove(vm);
  }
}

Task<> Pool::remove_ready() {
  return remove_matching([](const Member& member) { return member.ready; });
}

Task<> Pool::remove_ready_of(std::string save_id) {
  return remove_matching([save_id](const Member& member) { return member.ready && member.save_id == save_id; });
}

Task<> Pool::drop_templates(std::function<bool(const store::SaveRow&)> which) {
  for (const auto& row : services_.saves.list(store::SaveKind::template_)) {
    if (!row.ready || !which(row)) continue;
    (void)services_.saves.retire(row.id);
    co_await remove_ready_of(row.id);
  }
}

Task<> Pool::close() {
  closing_ = true;
  last_used_.clear();
  wake_.notify_all();
  auto deadline = host::after(limits::kPoolCloseDeadline);
  while (filling_ && host::Clock::now() < deadline) co_await wake_.wait(deadline);
  co_await remove_ready();
}

Task<> Pool::run() {
  while (!closing_) {
    auto now = host::Clock::now();
    auto idle = std::chrono::duration_cast<host::Clock::duration>(services_.config.pool_idle);
    std::erase_if(last_used_, [&](const auto& entry) {
      auto save = services_.saves.get(entry.first);
      return now - entry.second > idle || !save || save->key.empty();
    });
    co_await remove_matching([&](const Member& member) {
      return member.ready &&
             (!last_used_.contains(member.save_id) || member.vm->state() != vm::State::running || !vms_.room(0));
    });
    std::string next;
    for (const auto& [save_id, used] : last_used_)
      if (count(save_id) < services_.config.pool_size && vms_.room(memory_of(services_.saves, save_id))) next = save_id;
    if (next.empty()) {
      co_await wake_.wait(host::after(limits::kPoolPoll));
      continue;
    }
    co_await foreground_.wait_idle();
    if (!last_used_.contains(next) || count(next) >= services_.config.pool_size) continue;
    filling_ = true;
    co_await fill_one(next);
    filling_ = false;
    wake_.notify_all();
  }
}

}  // namespace banger::engine
