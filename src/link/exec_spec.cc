#include "link/exec_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/byte_string.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/words.h"
#include "link/bounds.h"

namespace banger::link {

namespace {

constexpr Word<MainCommand> kMainWords[] = {{MainCommand::instead_of_shell, "instead_of_shell"},
                                            {MainCommand::yes, "yes"}};

constexpr const char* kUseInput = "pass long data on standard input";

bool fits(std::string_view text, std::size_t max_bytes) { return text.size() <= max_bytes && !text.contains('\0'); }

// REQUIRES: the text does not fit.
std::unexpected<Error> misfit(std::string_view what, std::string_view text, std::size_t max_bytes) {
  if (text.contains('\0')) return fail(ErrorCode::invalid, fmt::format("{} has a NUL byte", what));
  return fail(ErrorCode::invalid,
              fmt::format("{} has {} bytes, and Linux takes {} at most", what, text.size(), max_bytes), kUseInput);
}

Result<> check_text(std::string_view what, std::string_view text, std::size_t max_bytes) {
  return fits(text, max_bytes) ? Result<>() : misfit(what, text, max_bytes);
}

Result<> check_variable(std::string_view name, std::string_view value) {
  if (name.empty() || name.contains('=') || name.contains('\0'))
    return fail(ErrorCode::invalid, fmt::format("'{}' cannot be the name of a variable", printable(name, 80)));
  if (name.size() + 1 + value.size() <= limits::kExecStringBytes && !value.contains('\0')) return {};
  return misfit(fmt::format("the variable '{}'", printable(name, 80)), fmt::format("{}={}", name, value),
                limits::kExecStringBytes);
}

// The kernel counts each text with its NUL, and a pointer to it.
std::size_t kernel_bytes(std::size_t text_bytes) { return text_bytes + 1 + sizeof(char*); }

Result<std::uint16_t> find_cells(const Json& json, std::string_view key, std::uint16_t otherwise) {
  auto value = TRY(find_int(json, key));
  if (!value) return otherwise;
  if (*value < 0 || *value > UINT16_MAX)
    return fail(ErrorCode::invalid, fmt::format("field '{}' must be 0 to 65535", key));
  return static_cast<std::uint16_t>(*value);
}

Result<std::string> bytes_of(const Json& item, std::string_view key) {
  if (auto bytes = from_byte_string(item)) return std::move(*bytes);
  return fail(ErrorCode::invalid, fmt::format("field '{}' must have byte strings without NUL", key));
}

Result<std::vector<std::string>> argv_from(const Json& json) {
  std::vector<std::string> argv;
  const Json* list = find_field(json, "argv");
  if (!list) return argv;
  if (!list->is_array()) return fail(ErrorCode::invalid, "field 'argv' must be a list");
  argv.reserve(list->size());
  for (const auto& item : *list) argv.push_back(TRY(bytes_of(item, "argv")));
  return argv;
}

Result<std::map<std::string, std::string>> env_from(const Json& json) {
  std::map<std::string, std::string> env;
  const Json* found = find_field(json, "env");
  if (!found) return env;
  if (!found->is_structured()) return fail(ErrorCode::invalid, "field 'env' must be an object or a list");
  for (const auto& [key, item] : found->items()) {
    auto text = TRY(bytes_of(item, "env"));
    auto equals = text.find('=');
    if (found->is_object())
      env.insert_or_assign(key, std::move(text));
    else if (equals == text.npos)
      return fail(ErrorCode::invalid, fmt::format("'{}' in field 'env' has no '='", printable(text, 80)));
    else
      env.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  return env;
}

Json env_json(const std::map<std::string, std::string>& env) {
  bool texts = std::ranges::all_of(env, [](const auto& variable) { return is_utf8(variable.first); });
  Json json = texts ? Json::object() : Json::array();
  for (const auto& [name, value] : env)
    if (texts)
      json[name] = to_byte_string(value);
    else
      json.push_back(to_byte_string(fmt::format("{}={}", name, value)));
  return json;
}

// Whether each text of the spec is UTF-8.
bool is_text(const ExecSpec& spec) {
  return is_utf8(spec.cwd) && is_utf8(spec.user) && is_utf8(spec.term) && std::ranges::all_of(spec.argv, is_utf8) &&
         std::ranges::all_of(spec.env,
                             [](const auto& variable) { return is_utf8(variable.first) && is_utf8(variable.second); });
}

}  // namespace

Result<> check_spec(const ExecSpec& spec) {
  if (!spec.argv.empty() && spec.argv[0].empty()) return fail(ErrorCode::invalid, "the command has no name");
  if (spec.detach && spec.tty) return fail(ErrorCode::invalid, "a command that is left to itself has no terminal");
  std::size_t total = 0;
  for (std::size_t i = 0; i < spec.argv.size(); ++i) {
    if (!fits(spec.argv[i], limits::kExecStringBytes))
      return misfit(i == 0 ? "the command's name" : fmt::format("argument {} of the command", i), spec.argv[i],
                    limits::kExecStringBytes);
    total += kernel_bytes(spec.argv[i].size());
  }
  for (const auto& [name, value] : spec.env) {
    TRY(check_variable(name, value));
    total += kernel_bytes(name.size() + 1 + value.size());
  }
  if (total > limits::kExecBytes)
    return fail(ErrorCode::invalid,
                fmt::format("the command's {} words and its environment need {} bytes, and Linux takes {} at most",
                            spec.argv.size(), total, limits::kExecBytes),
                "pass many words on standard input, to xargs -0 in the guest");
  TRY(check_text("the directory's path", spec.cwd, limits::kPathBytes));
  TRY(check_text("the user's name", spec.user, limits::kExecNameBytes));
  return check_text("TERM", spec.term, limits::kExecNameBytes);
}

Json to_json(const ExecSpec& spec) {
  Json argv = Json::array();
  for (const auto& word : spec.argv) argv.push_back(to_byte_string(word));
  Json json{
      {"argv", std::move(argv)}, {"env", env_json(spec.env)}, {"cwd", to_byte_string(spec.cwd)},  {"tty", spec.tty},
      {"rows", spec.rows},       {"cols", spec.cols},         {"term", to_byte_string(spec.term)}};
  // An older agent takes no empty user, but has a default of its own.
  if (!spec.user.empty()) json["user"] = to_byte_string(spec.user);
  if (spec.main != MainCommand::no) json["main"] = word_of(kMainWords, spec.main);
  if (spec.detach) json["detach"] = true;
  return json;
}

Result<ExecSpec> exec_spec_from_json(const Json& json) {
  TRY(only_keys(json, {"argv", "env", "cwd", "user", "tty", "rows", "cols", "term", "main", "detach"}));
  ExecSpec spec;
  spec.argv = TRY(argv_from(json));
  spec.env = TRY(env_from(json));
  spec.cwd = TRY(find_bytes(json, "cwd")).value_or(spec.cwd);
  spec.user = TRY(find_bytes(json, "user")).value_or(spec.user);
  spec.term = TRY(find_bytes(json, "term")).value_or(spec.term);
  spec.tty = TRY(find_bool(json, "tty")).value_or(spec.tty);
  spec.detach = TRY(find_bool(json, "detach")).value_or(spec.detach);
  spec.rows = TRY(find_cells(json, "rows", spec.rows));
  spec.cols = TRY(find_cells(json, "cols", spec.cols));
  if (auto word = TRY(find_string(json, "main"))) {
    auto main = value_of(kMainWords, *word);
    if (!main) return fail(ErrorCode::invalid, "field 'main' must be \"instead_of_shell\" or \"yes\"");
    spec.main = *main;
  }
  TRY(check_spec(spec));
  return spec;
}

SpecReaders encode_spec(const ExecSpec& spec, std::string& out) {
  auto text = dump_json(to_json(spec));
  std::string_view rest = text;
  for (; rest.size() > limits::kLinkFrameBytes; rest.remove_prefix(limits::kLinkFrameBytes))
    encode_frame(FrameType::spec_part, rest.substr(0, limits::kLinkFrameBytes), out);
  encode_frame(FrameType::spec, rest, out);
  bool one_frame = rest.size() == text.size();
  bool known = one_frame && is_text(spec) && spec.main == MainCommand::no && !spec.detach;
  return known ? SpecReaders::all_agents : SpecReaders::newer_agents;
}

Result<std::optional<Json>> SpecReader::take(const Frame& frame) {
  if (frame.type != FrameType::spec && frame.type != FrameType::spec_part)
    return fail(ErrorCode::invalid, "the first exec frames must be the spec");
  if (text_.size() + frame.payload.size() > limits::kExecSpecBytes)
    return fail(ErrorCode::invalid, fmt::format("the spec of the command is over {} bytes", limits::kExecSpecBytes));
  text_ += frame.payload;
  if (frame.type == FrameType::spec_part) return std::nullopt;
  return std::optional<Json>(TRY(in("the spec of the command", parse_json(text_, limits::kExecSpecBytes))));
}

}  // namespace banger::link
