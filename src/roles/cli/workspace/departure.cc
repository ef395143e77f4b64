// What leaves the host.
#include <fmt/format.h>

#include "roles/cli/workspace/prepare.h"
#include "workspace/bounds.h"

namespace banger::roles::cli {

namespace {

using workspace::Mode;

void note_absent(const Io& io, const workspace::Listing& listing) {
  if (listing.untracked > 0)
    io.note(listing.untracked == 1
                ? "1 untracked file stays here (hint: --include-untracked takes it along)"
                : fmt::format("{} untracked files stay here (hint: --include-untracked takes them along)",
                              listing.untracked));
  if (listing.filtered > 0)
    io.note(fmt::format("{} {} as git stores {}, without local changes: a filter (Git LFS) makes the content",
                        listing.filtered, listing.filtered == 1 ? "file travels" : "files travel",
                        listing.filtered == 1 ? "it" : "them"));
  for (const auto& name : listing.nested)
    io.note(fmt::format("the repository {} inside this one stays here", safe_text(name)));
}

std::string_view name_of(Mode mode) { return kWorkspaceModes[static_cast<std::size_t>(mode)]; }

}  // namespace

workspace::Wish workspace_wish(const Args& args) {
  workspace::Wish wish;
  auto mode = args.text("mode").value_or("");
  if (mode == "full_copy") wish.mode = Mode::full_copy;
  if (mode == "metadata_only") wish.mode = Mode::metadata_only;
  if (args.flag("include-untracked")) wish.untracked = workspace::Untracked::include;
  wish.branch = args.text("branch").value_or("");
  wish.from = args.text("from").value_or("");
  return wish;
}

Result<Departure> Departure::find(const Io& io, const std::string& path, const workspace::Wish& wish,
                                  const std::function<void()>& found) {
  Departure departure{.checkout = TRY(workspace::Checkout::find(io.env, path)), .start = {}};
  found();
  auto git = TRY(workspace::Git::of_user(io.env, departure.checkout.top));
  departure.start = TRY(workspace::find_start(git, departure.checkout, wish));
  note_absent(io, departure.start.listing);
  return departure;
}

std::string Departure::text() const {
  auto branch = start.branch.empty() ? "a detached HEAD" : "branch " + safe_text(start.branch);
  auto text = fmt::format("mode: {}\nfrom: {}\nhead: {} at {}\n", name_of(start.mode), safe_text(checkout.top), branch,
                          start.head.empty() ? "no commit yet" : start.head);
  if (start.mode == Mode::metadata_only) return text + "files: none\n";
  text += fmt::format("files: {}\n", start.listing.files.size());
  for (const auto& file : start.listing.files)
    text += fmt::format("  {}{}\n", safe_text(file.path),
                        file.content == workspace::Content::git ? "  (as git stores it)" : "");
  return text;
}

}  // namespace banger::roles::cli
