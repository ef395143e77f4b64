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
  return (type >= std::uint8_t(FrameType::spec) && type <= std::uint8_t(FrameType::spec_part)) ||
         (type >= std::uint8_t(FrameType::started) && type <= std::uint8_t(FrameType::position));
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

std::string encode_exit(const ExecExit& result) {
  if (!result.message.empty()) {
    // An error text may quote a whole argument; a frame has room for less.
    return dump_json(Json{{"code", result.code}, {"message", result.message.substr(0, limits::kLinkErrorBytes)}});
  }
  Json json = result.signal != 0 ? Json{{"signal", result.signal}} : Json{{"code", result.code}};
  if (result.ending) json["ending"] = true;
  return dump_json(json);
}

Result<ExecExit> decode_exit(FrameType type, std::string_view payload) {
  if (type != FrameType::exit && type != FrameType::failed)
    return fail(ErrorCode::corrupt, "expected the frame that ends a command");
  auto corrupt = [](Error error) { return fail(ErrorCode::corrupt, "how the command ended: " + error.message); };
  auto json = parse_json(payload, limits::kLinkFrameBytes);
  if (!json) return corrupt(std::move(json.error()));
  auto code = find_int(*json, "code"), signal = find_int(*json, "signal");
  auto ending = find_bool(*json, "ending");
  if (!code) return corrupt(std::move(code.error()));
  if (!signal) return corrupt(std::move(signal.error()));
  if (!ending) return corrupt(std::move(ending.error()));
  if (code->has_value() == signal->has_value())
    return fail(ErrorCode::corrupt, "how the command ended: neither or both of code and signal");
  if (code->value_or(0) < 0 || code->value_or(0) > 255 || signal->value_or(1) < 1 || signal->value_or(1) > 64)
    return fail(ErrorCode::corrupt, "how the command ended: out of range");
  ExecExit result{.code = static_cast<int>(code->value_or(0)), .signal = static_cast<int>(signal->value_or(0))};
  result.ending = ending->value_or(false);
  if (type == FrameType::exit) return result;
  auto message = get_string(*json, "message");
  if (!message) return corrupt(std::move(message.error()));
  result.message = message->empty() ? "it could not be started" : printable(*message, limits::kLinkErrorBytes);
  return result;
}

std::string encode_position(const Position& position) {
  std::string payload;
  for (std::uint64_t value : {static_cast<std::uint64_t>(position.unix_ms), position.out, position.err})
    for (int shift = 56; shift >= 0; shift -= 8) payload.push_back(static_cast<char>(value >> shift));
  return payload;
}

Result<Position> decode_position(std::string_view payload) {
  if (payload.size() != 3 * sizeof(std::uint64_t)) return fail(ErrorCode::corrupt, "a position must have 24 bytes");
  auto number = [&](std::size_t index) {
    std::uint64_t value = 0;
    for (unsigned char byte : payload.substr(index * sizeof value, sizeof value)) value = value << 8 | byte;
    return value;
  };
  return Position{.unix_ms = static_cast<std::int64_t>(number(0)), .out = number(1), .err = number(2)};
}

}  // namespace banger::link
