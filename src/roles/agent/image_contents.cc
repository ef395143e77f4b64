#include "roles/agent/image_contents.h"

#include <algorithm>

#include "guest/image_rules.h"
#include "guest/text_block.h"
#include "tar/tar.h"

namespace banger::roles::agent {

namespace {

constexpr std::string_view kTop = "./";
constexpr std::string_view kWork = "./root";

guest::ObjectKind kind_of(tar::EntryKind kind) {
  switch (kind) {
    case tar::EntryKind::file:
      return guest::ObjectKind::file;
    case tar::EntryKind::directory:
      return guest::ObjectKind::directory;
    case tar::EntryKind::symlink:
      return guest::ObjectKind::symlink;
    default:
      return guest::ObjectKind::other;
  }
}

enum class Work { inside, elsewhere };  ///< whether /root is part of the tree

class Rules : public tar::PackRules {
 public:
  Rules(Work work, const std::vector<std::string>& left_out) : work_(work), left_out_(left_out) {}

  Take take(std::string_view member, tar::EntryKind kind) const override {
    if (!member.starts_with(kTop)) return Take::whole;  // the root itself
    if (work_ == Work::elsewhere && member.starts_with("./root/")) return Take::nothing;
    if (is_left_out(member.substr(kTop.size()))) return Take::nothing;
    switch (part_of(member, kind)) {
      case guest::ImagePart::whole:
        return Take::whole;
      case guest::ImagePart::nothing:
        return Take::nothing;
      case guest::ImagePart::emptied:
      case guest::ImagePart::without_block:
        return Take::edited;
    }
    return Take::whole;
  }

  std::string edit(std::string_view member, std::string_view content) const override {
    if (part_of(member, tar::EntryKind::file) == guest::ImagePart::emptied) return "";
    return guest::with_block(content, "");
  }

 private:
  static guest::ImagePart part_of(std::string_view member, tar::EntryKind kind) {
    return guest::image_part(member.substr(kTop.size()), kind_of(kind));
  }
  // What is below a directory that is left out is never asked about.
  bool is_left_out(std::string_view path) const { return std::ranges::find(left_out_, path) != left_out_.end(); }

  Work work_;
  const std::vector<std::string>& left_out_;
};

}  // namespace

Result<> pack_image(int system, std::optional<int> work, int tar_fd, const std::vector<std::string>& left_out) {
  Rules system_rules(work ? Work::elsewhere : Work::inside, left_out), work_rules(Work::inside, left_out);
  std::vector<tar::PackSource> sources{{.directory = system, .member = ".", .rules = system_rules}};
  if (work) sources.push_back({.directory = *work, .member = std::string(kWork), .rules = work_rules});
  return tar::pack_sources(sources, tar_fd, {.special = tar::Special::image});
}

}  // namespace banger::roles::agent
