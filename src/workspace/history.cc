#include "workspace/history.h"

#include <fmt/format.h>

#include "base/text.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/manifest.h"

namespace banger::workspace {

namespace {

// The commits at which the source itself is cut.
Result<std::set<std::string>> find_source_boundary(const Git& git) {
  auto path = TRY(git.line({"rev-parse", "--path-format=absolute", "--git-path", "shallow"}));
  auto text = host::read_file(path, limits::kGitOutputBytes);
  if (!text && text.error().code == ErrorCode::not_found) return std::set<std::string>();
  std::set<std::string> boundary;
  for (auto line : split(TRY(std::move(text)), '\n'))
    if (is_object_id(line)) boundary.emplace(line);
  return boundary;
}

// The objects of the index that the commit does not have.
Result<std::string> list_staged(const Source& source, const Start& start) {
  std::string ids;
  if (!start.working_tree) return ids;
  if (source.checkout.head.empty()) {
    for (const auto* files : {&start.listing.files, &start.listing.deleted})
      for (const auto& file : *files)
        if (!file.id.empty()) ids += file.id + "\n";
    return ids;
  }
  auto output = TRY(source.git.run({"diff-index", "--cached", "--raw", "-z", "--no-renames", "--full-index",
                                    "--ignore-submodules", source.checkout.head}));
  // Records: ":100644 100644 OLD NEW M", and then the path.
  auto records = records_of(output);
  for (std::size_t i = 0; i + 1 < records.size(); i += 2) {
    auto words = split(records[i], ' ');
    bool added = words.size() == 5 && is_object_id(words[3]) && words[3].find_first_not_of('0') != words[3].npos;
    if (added) ids += std::string(words[3]) + "\n";
  }
  return ids;
}

}  // namespace

Result<History> find_history(const Source& source, const Start& start, std::size_t most) {
  History history;
  if (start.head.empty()) return history;
  history.boundary = TRY(find_source_boundary(source.git));
  if (start.mode == Mode::full_copy) {
    history.commits = {start.head};
    return history;
  }
  auto output = TRY(source.git.run({"rev-list", "--parents", fmt::format("--max-count={}", most), start.head}));
  std::set<std::string, std::less<>> travel;
  for (auto line : split(trim(output), '\n')) travel.emplace(line.substr(0, line.find(' ')));
  std::set<std::string> cut;
  for (auto line : split(trim(output), '\n')) {
    auto ids = split(line, ' ');
    auto id = std::string(ids.front());
    history.commits.push_back(id);
    if (history.boundary.contains(id)) cut.insert(id);
    for (auto parent : ids)
      if (!travel.contains(parent)) cut.insert(id);
  }
  history.boundary = std::move(cut);
  return history;
}

Result<> write_pack(const Source& source, const Start& start, const History& history, int out_fd) {
  std::string input;
  for (const auto& id : history.boundary) input += "--shallow " + id + "\n";
  if (!start.head.empty()) input += start.head + "\n";
  input += TRY(list_staged(source, start));
  // Objects travel as they are stored. The search for new deltas takes 20 s for 200 MiB, and the link is fast.
  std::vector<std::string> args = {"pack-objects", "--revs", "--stdout", "-q", "--delta-base-offset", "--window=0"};
  if (start.mode == Mode::full_copy) args.push_back("--all");
  TRY(source.git.run(args, {.input = input, .out_fd = out_fd}));
  return {};
}

Result<std::string> list_refs(const Source& source) {
  return source.git.run({"for-each-ref", "--format=%(if)%(symref)%(then)%(else)%(objectname) %(refname)%(end)",
                         "refs/heads", "refs/tags", "refs/remotes"});
}

}  // namespace banger::workspace
