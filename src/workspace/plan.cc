#include "workspace/plan.h"

namespace banger::workspace {

namespace {

const FileState* find(const FileStates& files, const std::string& path) {
  auto found = files.find(path);
  return found == files.end() ? nullptr : &found->second;
}

bool same(const FileState* one, const FileState* other) { return one && other ? *one == *other : one == other; }

}  // namespace

Plan plan_files(const FileStates& prepared, const FileStates& guest, const FileStates& host) {
  Plan plan;
  for (const auto& [path, wanted] : host) {
    auto before = find(prepared, path), now = find(guest, path);
    if (same(now, &wanted) || same(before, &wanted)) continue;
    (same(now, before) ? plan.send : plan.in_way).push_back(path);
  }
  for (const auto& [path, before] : prepared) {
    auto now = find(guest, path);
    if (host.contains(path) || !now) continue;
    (same(now, &before) ? plan.remove : plan.in_way).push_back(path);
  }
  return plan;
}

}  // namespace banger::workspace
