#include "image/recipe/recipe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "image/bounds.h"

namespace banger::image {

namespace {

using Embedded = std::span<const EmbeddedFile>;

std::unexpected<Error> bad(std::string_view field, std::string_view why) {
  return fail(ErrorCode::invalid, fmt::format("{}: {}", field, why));
}

bool only_of(std::string_view text, std::string_view extra) {
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos)) return false;
  return !text.empty();
}

Result<std::string_view> text_of(Embedded embedded, std::string_view field, std::string_view path) {
  auto file = find_embedded(embedded, path);
  if (!file) return bad(field, fmt::format("'{}' is not a compiled-in file", printable(path)));
  return file->text;
}

Result<std::string> file_text(Embedded embedded, const Json& json) {
  auto from = TRY(find_string(json, "from"));
  if (!from) return get_string(json, "text");
  if (json.contains("text")) return bad("files", "has both 'text' and 'from'");
  return std::string(TRY(text_of(embedded, "files", *from)));
}

Result<RecipeFile> parse_file(Embedded embedded, const Json& json) {
  TRY(only_keys(json, {"path", "mode", "text", "from"}));
  RecipeFile file{TRY(get_string(json, "path")), 0644, TRY(file_text(embedded, json))};
  bool inside = file.path.starts_with('/') && !file.path.ends_with('/') && file.path.find("/../") == file.path.npos;
  if (!inside || file.path.find('\0') != file.path.npos)
    return bad("files", fmt::format("'{}' is not an absolute path of a file", printable(file.path)));
  if (file.text.find('\0') != file.text.npos)
    return bad("files", fmt::format("{}: only text can be written", file.path));
  auto mode = TRY(find_string(json, "mode")).value_or("0644");
  if (mode.size() > 5 || mode.empty() || mode.find_first_not_of("01234567") != mode.npos)
    return bad("files", fmt::format("{}: '{}' is not an octal mode", file.path, printable(mode)));
  file.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8)) & 07777;
  return file;
}

Result<> add_files(RecipePlan& plan, Embedded embedded, const Json& json) {
  auto files = json.find("files");
  if (files == json.end()) return {};
  if (!files->is_array()) return bad("files", "must be a list");
  for (const auto& file : *files) plan.files.push_back(TRY(parse_file(embedded, file)));
  return {};
}

/// Reads a file with one unit a line, in which '#' begins a comment.
Result<> add_masked_units(RecipePlan& plan, Embedded embedded, const Json& json) {
  auto path = TRY(find_string(json, "masked_units"));
  if (!path) return {};
  for (auto line : split(TRY(text_of(embedded, "masked_units", *path)), '\n')) {
    std::string unit(trim(line.substr(0, line.find('#'))));
    if (!unit.empty()) plan.masked_units.push_back(std::move(unit));
  }
  return {};
}

Result<> set_text(std::string& field, const Json& json, std::string_view key) {
  if (auto text = TRY(find_string(json, key))) field = std::move(*text);
  return {};
}

Result<> append(std::vector<std::string>& list, const Json& json, std::string_view key) {
  auto more = TRY(find_strings(json, key));
  list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  return {};
}

Result<> check(const RecipePlan& plan) {
  if (plan.description.empty()) return bad("description", "is missing");
  if (!only_of(plan.kernel, "-.")) return bad("kernel", "is not the name of a kernel");
  if (!only_of(plan.suite, "-.")) return bad("suite", "is not the name of a suite");
  if (!only_of(plan.variant, "-")) return bad("variant", "is not a variant of mmdebstrap");
  if (plan.timestamp <= 0) return bad("timestamp", "must be seconds since 1970");
  for (const auto& package : plan.packages)
    if (!only_of(package, "+-.")) return bad("packages", fmt::format("'{}' is not a package name", printable(package)));
  return {};
}

/// Parses a recipe on top of the recipes that it extends, which may be `bases` deep.
Result<RecipePlan> parse(Embedded embedded, std::string_view name, int bases) {
  auto path = fmt::format("images/{}/recipe.json", name);
  auto json = TRY(parse_json(TRY(text_of(embedded, "extends", path)), limits::kManifestBytes));
  TRY(only_keys(json, {"extends", "description", "kernel", "suite", "variant", "timestamp", "packages", "exclude",
                       "include", "files", "masked_units", "commands"}));
  RecipePlan plan;
  if (auto base = TRY(find_string(json, "extends"))) {
    if (bases == 0) return bad("extends", "is too deep");
    plan = TRY(parse(embedded, *base, bases - 1));
  }
  TRY(set_text(plan.description, json, "description"));
  TRY(set_text(plan.kernel, json, "kernel"));
  TRY(set_text(plan.suite, json, "suite"));
  TRY(set_text(plan.variant, json, "variant"));
  plan.timestamp = TRY(find_int(json, "timestamp")).value_or(plan.timestamp);
  TRY(append(plan.packages, json, "packages"));
  TRY(append(plan.exclude, json, "exclude"));
  TRY(append(plan.include, json, "include"));
  TRY(add_files(plan, embedded, json));
  TRY(add_masked_units(plan, embedded, json));
  TRY(append(plan.commands, json, "commands"));
  return plan;
}

}  // namespace

Result<RecipePlan> parse_recipe(std::span<const EmbeddedFile> embedded, std::string_view name) {
  auto context = fmt::format("recipe '{}'", name);
  auto plan = TRY(in(context, parse(embedded, name, limits::kRecipeBases)));
  TRY(in(context, check(plan)));
  return plan;
}

}  // namespace banger::image
