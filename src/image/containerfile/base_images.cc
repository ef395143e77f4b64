#include "image/containerfile/base_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/letters.h"
#include "base/text.h"
#include "image/containerfile/bounds.h"
#include "image/containerfile/instructions.h"

namespace banger::image {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What all builds define. banger builds for one platform only.
BuildArguments platform_arguments() {
  return {{"TARGETPLATFORM", "linux/amd64"}, {"TARGETOS", "linux"}, {"TARGETARCH", "amd64"}, {"TARGETVARIANT", ""},
          {"BUILDPLATFORM", "linux/amd64"},  {"BUILDOS", "linux"},  {"BUILDARCH", "amd64"},  {"BUILDVARIANT", ""}};
}

class Reader {
 public:
  Reader(const BuildArguments& given, std::string_view target) : given_(given), target_(lower(target)) {}

  /// False once the stages after this instruction are not needed.
  Result<bool> take(const Instruction& instruction) {
    if (instruction.name == "from") return in(line_of(instruction), take_from(instruction));
    if (instruction.name == "arg" && stages_ == 0) TRY(define(instruction));
    if (instruction.name == "copy" || instruction.name == "add") TRY(take_option(instruction, "--from="));
    if (instruction.name == "run") TRY(take_mounts(instruction));
    return true;
  }

  Result<std::vector<BaseImage>> finish() {
    if (!target_.empty() && !in_target_)
      return fail(ErrorCode::not_found, fmt::format("no stage is called '{}'", printable(target_, 80)),
                  "name a stage with FROM IMAGE AS NAME");
    return std::move(found_);
  }

 private:
  Result<bool> take_from(const Instruction& instruction) {
    if (in_target_) return false;
    const Word* image = nullptr;
    bool here = true;
    std::string name;
    for (std::size_t i = 0; i < instruction.words.size(); ++i) {
      const auto& word = instruction.words[i];
      if (word.text.starts_with("--platform=")) here = TRY(is_our_platform(word.text.substr(word.text.find('=') + 1)));
      if (word.text.starts_with("--")) continue;
      if (!image) image = &word;
      if (lower(word.text) == "as" && i + 1 < instruction.words.size()) name = lower(instruction.words[i + 1].text);
    }
    if (!image) return fail(ErrorCode::invalid, "FROM names no image");
    if (here) TRY(add(*image, TRY(expand(image->text))));
    in_target_ = !target_.empty() && (name == target_ || std::to_string(stages_) == target_);
    if (!name.empty()) names_.insert(name);
    ++stages_;
    return true;
  }

  static std::string line_of(const Instruction& instruction) { return fmt::format("line {}", instruction.line); }

  Result<bool> is_our_platform(std::string_view text) const {
    auto platform = TRY(expand(text));
    return platform && (*platform == "linux/amd64" || *platform == "amd64" || *platform == "linux");
  }

  Result<> define(const Instruction& instruction) {
    for (const auto& word : instruction.words) {
      if (++arguments_ > limits::kArguments)
        return fail(ErrorCode::exhausted, fmt::format("it has more than {} ARGs before FROM", limits::kArguments),
                    "move those that FROM does not use behind it");
      auto equals = word.text.find('=');
      auto name = word.text.substr(0, equals);
      if (auto given = given_.find(name); given != given_.end())
        values_[name] = given->second;
      else if (equals != word.text.npos)
        if (auto value = TRY(in(line_of(instruction), expand(unquoted(word.text.substr(equals + 1))))))
          values_[name] = *value;
    }
    return {};
  }

  Result<std::optional<std::string>> expand(std::string_view text) const {
    return expand_arguments(unquoted(text), values_);
  }

  Result<> take_option(const Instruction& instruction, std::string_view option) {
    for (const auto& word : instruction.words) {
      if (!word.text.starts_with("--")) return {};
      if (!word.text.starts_with(option)) continue;
      Word name{.text = word.text.substr(option.size()), .at = word.at + option.size()};
      if (!is_number(name.text)) TRY(add(name, name.text));
    }
    return {};
  }

  Result<> take_mounts(const Instruction& instruction) {
    for (const auto& word : instruction.words) {
      if (!word.text.starts_with("--")) return {};
      if (!word.text.starts_with("--mount=")) continue;
      auto from = word.text.find("from=");
      if (from == word.text.npos || (word.text[from - 1] != ',' && word.text[from - 1] != '=')) continue;
      from += 5;
      Word name{.text = word.text.substr(from, word.text.find(',', from) - from), .at = word.at + from};
      if (!is_number(name.text)) TRY(add(name, name.text));
    }
    return {};
  }

  Result<> add(const Word& place, const std::optional<std::string>& name) {
    bool known = name && !name->empty() && *name != "scratch" && name->find('$') == name->npos;
    if (!known || names_.contains(lower(*name))) return {};
    if (found_.size() == limits::kBaseImages)
      return fail(ErrorCode::exhausted, fmt::format("it builds on more than {} images", limits::kBaseImages));
    found_.push_back({.name = *name, .at = place.at, .size = place.text.size()});
    return {};
  }

  const BuildArguments& given_;
  std::string target_;
  BuildArguments values_ = platform_arguments();
  std::set<std::string> names_;  ///< of stages
  std::vector<BaseImage> found_;
  std::size_t stages_ = 0, arguments_ = 0;
  bool in_target_ = false;
};

}  // namespace

Result<std::vector<BaseImage>> base_images(std::string_view containerfile, const BuildArguments& arguments,
                                           std::string_view target) {
  Reader reader(arguments, target);
  for (const auto& instruction : TRY(read_instructions(containerfile)))
    if (!TRY(reader.take(instruction))) break;
  return reader.finish();
}

std::string with_names(std::string_view containerfile, const std::vector<BaseImage>& places,
                       const std::map<std::string, std::string>& names) {
  std::string text;
  std::size_t done = 0;
  for (const auto& place : places) {
    auto other = names.find(place.name);
    if (other == names.end()) continue;
    text += containerfile.substr(done, place.at - done);
    text += other->second;
    done = place.at + place.size;
  }
  text += containerfile.substr(done);
  return text;
}

}  // namespace banger::image
