#include "workspace/repository.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "workspace/bounds.h"
#include "workspace/history.h"
#include "workspace/manifest.h"

namespace banger::workspace {

namespace {

// A value as git-config(1) reads it.
std::string config_value(std::string_view value) {
  std::string text = "\"";
  for (char c : value) {
    if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (c == '"' || c == '\\')
      text += std::string("\\") + c;
    else
      text += c;
  }
  return text + '"';
}

std::string config_of(const Checkout& checkout) {
  bool sha1 = checkout.format == "sha1";
  std::string text = fmt::format(
      "[core]\n\trepositoryformatversion = {}\n\tfilemode = true\n\tbare = false\n"
      "\tlogallrefupdates = true\n",
      sha1 ? 0 : 1);
  if (!sha1) text += fmt::format("[extensions]\n\tobjectformat = {}\n", checkout.format);
  if (!checkout.origin.empty())
    text += fmt::format("[remote \"origin\"]\n\turl = {}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
                        config_value(checkout.origin));
  if (!checkout.user_name.empty() || !checkout.user_email.empty()) text += "[user]\n";
  if (!checkout.user_name.empty()) text += fmt::format("\tname = {}\n", config_value(checkout.user_name));
  if (!checkout.user_email.empty()) text += fmt::format("\temail = {}\n", config_value(checkout.user_email));
  return text;
}

// The index as `git update-index --index-info` reads it.
std::string index_of(const Start& start) {
  std::string text;
  for (const auto* files : {&start.listing.files, &start.listing.deleted, &start.listing.submodules})
    for (const auto& file : *files)
      if (!file.id.empty()) text += fmt::format("{} {} 0\t{}", file.mode, file.id, file.path) + '\0';
  return text;
}

class Maker {
 public:
  /// `files` is the place of the files whose content is that of git.
  Maker(const Source& source, const Start& start, const std::string& directory, std::string files)
      : source_(source),
        start_(start),
        directory_(directory),
        files_(std::move(files)),
        made_{.git_directory = directory + "/git"} {}

  Result<GuestRepository> make() {
    if (::mkdir(made_.git_directory.c_str(), 0700) < 0) return fail_errno(made_.git_directory);
    auto git = TRY(Git::isolated(source_.env, made_.git_directory, source_.stop));
    TRY(git.run({"init", "-q", "--bare", "--template=", "--initial-branch=main",
                 "--object-format=" + source_.checkout.format}));
    TRY(host::write_file(made_.git_directory + "/config", config_of(source_.checkout), 0644));
    TRY(add_objects(git));
    // `git add -N` leaves entries in the index for an empty file that was never stored.
    TRY(git.run({"hash-object", "-w", "--stdin"}));
    TRY(add_refs(git));
    TRY(git.run({"update-index", "-z", "--index-info"}, {.input = index_of(start_)}));
    TRY(add_files(git));
    for (const auto& inner : start_.inner) TRY(add_inner(inner));
    made_.state = TRY(state_of_repository(source_, start_));
    return std::move(made_);
  }

 private:
  Result<> pack(const Git& git, std::size_t most) {
    auto history = TRY(find_history(source_, start_, most));
    auto path = directory_ + "/pack";
    auto file = TRY(host::open_file(path, O_RDWR | O_CREAT | O_TRUNC));
    TRY(write_pack(source_, start_, history, file.get()));
    ::lseek(file.get(), 0, SEEK_SET);
    TRY(git.run({"index-pack", "--stdin"}, {.in_fd = file.get()}));
    TRY(host::remove_file(path));
    std::string shallow;
    for (const auto& id : history.boundary) shallow += id + "\n";
    if (!shallow.empty()) TRY(host::write_file(made_.git_directory + "/shallow", shallow, 0644));
    made_.commits = history.commits.size();
    made_.cut = !shallow.empty();
    return {};
  }

  // A partial clone often has the files of its last commit, and not those of older ones.
  Result<> add_objects(const Git& git) {
    auto packed = pack(git, limits::kHistoryCommits);
    if (packed || !source_.checkout.partial || packed.error().code != ErrorCode::invalid) return packed;
    if (start_.mode != Mode::full_copy) packed = pack(git, 1);
    if (packed) return packed;
    return fail(ErrorCode::unavailable,
                fmt::format("{} is a partial clone that lacks objects, and nothing is fetched here: {}",
                            printable(source_.checkout.top), packed.error().message),
                "fetch them with 'git fetch --refetch --no-filter'");
  }

  Result<> add_refs(const Git& git) {
    std::map<std::string, std::string> refs;
    if (start_.mode == Mode::full_copy)
      for (auto line : split(TRY(list_refs(source_)), '\n'))
        if (auto at = line.find(' '); at != line.npos) refs.emplace(line.substr(at + 1), line.substr(0, at));
    bool attached = !start_.branch.empty();
    if (attached && !start_.head.empty()) refs[branch_ref()] = start_.head;
    if (attached) TRY(git.run({"symbolic-ref", "HEAD", branch_ref()}));
    std::string input;
    for (const auto& [name, id] : refs) input += fmt::format("create {} {}\n", name, id);
    TRY(git.run({"update-ref", "--stdin"}, {.input = input}));
    if (!attached) TRY(git.run({"update-ref", "--no-deref", "HEAD", start_.head}));
    made_.head = TRY(host::read_file(made_.git_directory + "/HEAD", limits::kRefBytes));
    std::erase_if(refs, [](const auto& ref) { return !counts_as_work(ref.first); });
    made_.refs = std::move(refs);
    return {};
  }

  // The files whose content is that of git. Filters are not known here, and so do not run.
  Result<> add_files(const Git& git) {
    std::string names;
    for (const auto& file : start_.listing.files)
      if (file.content == Content::git && !file.id.empty()) names += file.path + '\0';
    if (names.empty() || start_.mode == Mode::metadata_only) return {};
    made_.files = files_;
    TRY(host::make_directories(files_, 0700));
    TRY(git.run({"checkout-index", "-q", "-f", "-z", "--stdin"},
                {.input = names, .env = {"GIT_WORK_TREE=" + made_.files}}));
    return {};
  }

  Result<> add_inner(const Inner& inner) {
    auto directory = fmt::format("{}/inner-{}", directory_, made_.inner.size());
    TRY(host::make_directories(directory, 0700));
    auto git = source_.git.at(inner.checkout.top);
    auto made = TRY(in(printable(inner.path), Maker({inner.checkout, git, source_.env, source_.stop}, inner.start,
                                                    directory, files_ + "/" + inner.path)
                                                  .make()));
    if (!made.files.empty()) made_.files = files_;
    made_.inner.emplace_back(inner.path, std::move(made.git_directory));
    for (auto& [path, deeper] : made.inner) made_.inner.emplace_back(inner.path + "/" + path, std::move(deeper));
    return {};
  }

  std::string branch_ref() const { return "refs/heads/" + start_.branch; }

  const Source& source_;
  const Start& start_;
  const std::string& directory_;
  std::string files_;
  GuestRepository made_;
};

}  // namespace

Result<GuestRepository> make_repository(const Source& source, const Start& start, const std::string& directory) {
  return Maker(source, start, directory, directory + "/files").make();
}

Result<std::string> state_of_repository(const Source& source, const Start& start) {
  host::Sha256 digest;
  for (std::string_view part : {std::string_view(start.head), std::string_view(start.branch)}) {
    digest.add(part);
    digest.add(std::string_view("\0", 1));
  }
  digest.add(start.mode == Mode::full_copy ? "all" : "latest");
  digest.add(config_of(source.checkout));
  digest.add(index_of(start));
  if (start.mode == Mode::full_copy) digest.add(TRY(list_refs(source)));
  for (const auto& inner : start.inner) {
    auto git = source.git.at(inner.checkout.top);
    digest.add(TRY(state_of_repository({inner.checkout, git, source.env, source.stop}, inner.start)));
  }
  return digest.finish();
}

}  // namespace banger::workspace
