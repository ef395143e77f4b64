#include "roles/cli/workspace/compare.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "roles/cli/table.h"
#include "roles/cli/workspace/fetch.h"

namespace banger::roles::cli {

namespace {

enum Column : std::size_t { kVm, kFiles, kLines, kCommits, kCheck };

Result<> look_at(Io& io, Daemon& daemon, const GuestPlace& place, ComparedVm& candidate) {
  return with_comparison(
      io, daemon, place, "",
      [&](const workspace::Comparison& comparison, const std::string&, const workspace::StopFlag&) -> Result<> {
        candidate.changes = TRY(comparison.changes());
        candidate.commits = TRY(comparison.commits());
        return {};
      });
}

Result<> check(Io& io, const std::vector<GuestPlace>& places, const std::vector<std::string>& words,
               std::vector<ComparedVm>& candidates) {
  std::vector<GuestPlace> known;
  std::vector<ComparedVm*> of;
  for (std::size_t at = 0; at < places.size(); ++at) {
    if (!candidates[at].error.empty()) continue;
    known.push_back(places[at]);
    of.push_back(&candidates[at]);
  }
  auto results = TRY(run_checks(io, known, words));
  for (std::size_t at = 0; at < results.size(); ++at) {
    if (results[at])
      of[at]->check = std::move(*results[at]);
    else
      of[at]->error = results[at].error().sentence();
  }
  return {};
}

std::string check_text(const ComparedVm& candidate) {
  if (!candidate.check) return "";
  const auto& [status, line] = *candidate.check;
  return status == 0 ? "passed" : fmt::format("exit {}{}{}", status, line.empty() ? "" : ": ", line);
}

}  // namespace

Result<std::vector<ComparedVm>> compare_workspaces(Io& io, const std::vector<GuestPlace>& places,
                                                   const std::vector<std::string>& words) {
  std::vector<ComparedVm> candidates;
  {
    auto daemon = TRY(Daemon::connect(io));
    for (const auto& place : places) {
      ComparedVm candidate{.vm = place.vm, .changes = {}, .check = {}};
      auto looked = look_at(io, daemon, place, candidate);
      if (!looked && looked.error().code == ErrorCode::cancelled) return std::unexpected(std::move(looked.error()));
      if (!looked) candidate.error = looked.error().sentence();
      candidates.push_back(std::move(candidate));
    }
  }
  if (!words.empty()) TRY(check(io, places, words, candidates));
  return candidates;
}

std::string text_of(const std::vector<ComparedVm>& candidates, Colours colours) {
  bool checked = false;
  for (const auto& candidate : candidates) checked = checked || candidate.check;
  std::vector<std::string> head = {"VM", "FILES", "LINES", "COMMITS"};
  if (checked) head.emplace_back("CHECK");
  Table table(head);
  for (const auto& candidate : candidates) {
    const auto& changes = candidate.changes;
    std::vector<std::string> row = {candidate.vm, "", "", ""};
    if (candidate.error.empty()) {
      row[kFiles] = fmt::to_string(changes.files);
      row[kLines] = fmt::format("+{} -{}", changes.added, changes.removed);
      row[kCommits] = fmt::to_string(candidate.commits);
    }
    if (checked) row.push_back(check_text(candidate));
    table.add(std::move(row));
    if (candidate.check) table.colour_last(kCheck, candidate.check->status == 0 ? Paint::green : Paint::red);
  }
  return table.text(colours);
}

Json json_of(const std::vector<ComparedVm>& candidates) {
  Json list = Json::array();
  for (const auto& candidate : candidates) {
    Json row = {{"vm", candidate.vm}, {"error", candidate.error.empty() ? Json() : Json(candidate.error)}};
    if (candidate.error.empty()) {
      row["files"] = candidate.changes.files;
      row["added"] = candidate.changes.added;
      row["removed"] = candidate.changes.removed;
      row["commits"] = candidate.commits;
    }
    if (candidate.check)
      row["check"] = {{"status", candidate.check->status}, {"last_line", candidate.check->last_line}};
    list.push_back(std::move(row));
  }
  return list;
}

}  // namespace banger::roles::cli
