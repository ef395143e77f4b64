#include "link/exec_frames.h"

#include <fmt/format.h>

#include <cassert>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bounds.h"
#include "base/text.h"
#include "link/bounds.h"

namespace banger::link {

namespace {

constexpr std::size_t kHeadBytes = 5;

bool is_frame_type(std::uint8_t type) {
  return (type >= std::uint8_t(FrameType::spec) && type <= std::uint8_t(FrameType::resize)) ||
         (type >= std::uint8_t(FrameType::started) && type <= std::uint8_t(FrameType::failed));
}

// execve(2) takes NUL-ended strings of at most MAX_ARG_STRLEN.
Result<> check_string(std::string_view name, std::string_view value, std::size_t max_bytes) {
  if (value.size() > max_bytes) return fail(ErrorCode::invalid, fmt::format("{} is over {} bytes", name, max_bytes));
  if (value.find('\0') != std::string_view::npos)
    return fail(ErrorCode::invalid, fmt::format("{} has a NUL byte in it", name));
  return {};
}

Result<std::uint16_t> find_cells(const Json& json, std::string_view key, std::uint16_t otherwise) {
  auto value = TRY(find_int(json, key));
  if (!value) return otherwise;
  if (*value < 0 || *value > UINT16_MAX)
    return fail(ErrorCode::invalid, fmt::format("field '{}' must be 0 to 65535", key));
  return static_cast<std::uint16_t>(*value);
}

Result<std::map<std::string, std::string>> env_from(const Json& json) {
  std::map<std::string, std::string> env;
  auto at = json.find("env");
  if (at == json.end() || at->is_null()) return env;
  if (!at->is_object()) return fail(ErrorCode::invalid, "field 'env' must be an object");
  if (at->size() > limits::kExecArgs)
    return fail(ErrorCode::invalid, fmt::format("env has over {} entries", limits::kExecArgs));
  for (const auto& [name, value] : at->items()) {
    if (!value.is_string())
      return fail(ErrorCode::invalid, fmt::format("variable '{}' must be a string", printable(name)));
    if (name.empty() || name.find('=') != std::string::npos)
      return fail(ErrorCode::invalid, fmt::format("'{}' is not the name of a variable", printable(name)));
    auto text = value.get<std::string>();
    TRY(check_string("the name of a variable", name, limits::kExecArgBytes));
    TRY(check_string("a variable", text, limits::kExecArgBytes));
    env.emplace(name, std::move(text));
  }
  return env;
}

}  // namespace

void encode_frame(FrameType type, std::string_view payload, std::string& out) {
  assert(payload.size() <= limits::kLinkFrameBytes);
  auto size = static_cast<std::uint32_t>(payload.size());
  out.push_back(static_cast<char>(type));
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(size >> shift));
  out.append(payload);
}

void FrameDecoder::feed(std::string_view bytes) {
  // Taking a frame only moves `at_`. The bytes are moved now and then, not for each frame.
  if (at_ == buffer_.size() || at_ > limits::kLinkFrameBytes) buffer_.erase(0, std::exchange(at_, 0));
  buffer_.append(bytes);
}

Result<std::optional<Frame>> FrameDecoder::next() {
  if (buffer_.size() - at_ < kHeadBytes) return std::nullopt;
  auto byte = [this](std::size_t i) { return static_cast<std::uint8_t>(buffer_[at_ + i]); };
  if (!is_frame_type(byte(0))) return fail(ErrorCode::corrupt, fmt::format("unknown exec frame type {}", byte(0)));
  std::size_t size = std::size_t{byte(1)} << 24 | std::size_t{byte(2)} << 16 | std::size_t{byte(3)} << 8 | byte(4);
  if (size > limits::kLinkFrameBytes)
    return fail(ErrorCode::corrupt,
                fmt::format("an exec frame of {} bytes is over the limit of {}", size, limits::kLinkFrameBytes));
  if (buffer_.size() - at_ - kHeadBytes < size) return std::nullopt;
  Frame frame{FrameType(byte(0)), buffer_.substr(at_ + kHeadBytes, size)};
  at_ += kHeadBytes + size;
  return frame;
}

Json to_json(const ExecSpec& spec) {
  return {{"argv", spec.argv}, {"env", spec.env},   {"cwd", spec.cwd},   {"user", spec.user},
          {"tty", spec.tty},   {"rows", spec.rows}, {"cols", spec.cols}, {"term", spec.term}};
}

Result<ExecSpec> exec_spec_from_json(const Json& json) {
  TRY(only_keys(json, {"argv", "env", "cwd", "user", "tty", "rows", "cols", "term"}));
  ExecSpec spec;
  spec.argv = TRY(find_strings(json, "argv"));
  if (spec.argv.empty() || spec.argv[0].empty()) return fail(ErrorCode::invalid, "argv must name a command");
  if (spec.argv.size() > limits::kExecArgs)
    return fail(ErrorCode::invalid, fmt::format("argv has over {} entries", limits::kExecArgs));
  for (const auto& arg : spec.argv) TRY(check_string("an argument", arg, limits::kExecArgBytes));
  spec.env = TRY(env_from(json));
  spec.cwd = TRY(find_string(json, "cwd")).value_or(spec.cwd);
  spec.user = TRY(find_string(json, "user")).value_or(spec.user);
  spec.term = TRY(find_string(json, "term")).value_or(spec.term);
  TRY(check_string("cwd", spec.cwd, limits::kPathBytes));
  TRY(check_string("user", spec.user, limits::kExecNameBytes));
  TRY(check_string("term", spec.term, limits::kExecNameBytes));
  spec.tty = TRY(find_bool(json, "tty")).value_or(spec.tty);
  spec.rows = TRY(find_cells(json, "rows", spec.rows));
  spec.cols = TRY(find_cells(json, "cols", spec.cols));
  return spec;
}

std::string encode_exit(const ExecExit& result) {
  if (!result.message.empty()) {
    // An error text may quote a whole argument; a frame has room for less.
    return dump_json(Json{{"code", result.code}, {"message", result.message.substr(0, limits::kLinkErrorBytes)}});
  }
  if (result.signal != 0) return dump_json(Json{{"signal", result.signal}});
  return dump_json(Json{{"code", result.code}});
}

Result<ExecExit> decode_exit(FrameType type, std::string_view payload) {
  if (type != FrameType::exit && type != FrameType::failed)
    return fail(ErrorCode::corrupt, "expected the frame that ends a command");
  auto corrupt = [](Error error) { return fail(ErrorCode::corrupt, "how the command ended: " + error.message); };
  auto json = parse_json(payload, limits::kLinkFrameBytes);
  if (!json) return corrupt(std::move(json.error()));
  auto code = find_int(*json, "code"), signal = find_int(*json, "signal");
  if (!code) return corrupt(std::move(code.error()));
  if (!signal) return corrupt(std::move(signal.error()));
  if (code->has_value() == signal->has_value())
    return fail(ErrorCode::corrupt, "how the command ended: neither or both of code and signal");
  if (code->value_or(0) < 0 || code->value_or(0) > 255 || signal->value_or(1) < 1 || signal->value_or(1) > 64)
    return fail(ErrorCode::corrupt, "how the command ended: out of range");
  ExecExit result{.code = static_cast<int>(code->value_or(0)), .signal = static_cast<int>(signal->value_or(0))};
  if (type == FrameType::exit) return result;
  auto message = get_string(*json, "message");
  if (!message) return corrupt(std::move(message.error()));
  result.message = message->empty() ? "it could not be started" : printable(*message, limits::kLinkErrorBytes);
  return result;
}

}  // namespace banger::link
