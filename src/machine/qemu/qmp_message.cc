#include "machine/qemu/qmp_message.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "machine/bounds.h"
#include "machine/qemu/bounds.h"

namespace banger::machine::qemu {

namespace {

// Error classes of QMP (qapi/error.json); nearly everything is a GenericError.
ErrorCode code_of_class(std::string_view name) {
  if (name == "CommandNotFound") return ErrorCode::unsupported;
  if (name == "DeviceNotFound") return ErrorCode::not_found;
  if (name == "DeviceNotActive") return ErrorCode::unavailable;
  if (name == "KVMMissingCap") return ErrorCode::unsupported;
  return ErrorCode::unavailable;
}

Result<QmpMessage> parse_error(QmpReply reply, const Json& error) {
  auto name = TRY(get_string(error, "class"));
  auto description = TRY(get_string(error, "desc"));
  reply.error = Error{code_of_class(name), printable(description, limits::kVmmMessageBytes)};
  return reply;
}

}  // namespace

Result<QmpMessage> parse_qmp(std::string_view line) {
  auto json = TRY(parse_json(line, limits::kQmpLineBytes));
  if (!json.is_object()) return fail(ErrorCode::invalid, "not a JSON object");
  if (json.contains("QMP")) return QmpGreeting{};
  if (json.contains("event")) {
    QmpEvent event{.name = TRY(get_string(json, "event")), .data = "{}"};
    if (json.contains("data")) event.data = dump_json(json["data"]);
    return event;
  }
  QmpReply reply{.id = TRY(find_int(json, "id"))};
  if (json.contains("error")) return parse_error(std::move(reply), json["error"]);
  if (!json.contains("return")) return fail(ErrorCode::invalid, "neither a greeting, an event nor a reply");
  reply.value = dump_json(json["return"]);
  return reply;
}

std::string qmp_command(std::string_view command, const Json& arguments, std::int64_t id) {
  Json message = {{"execute", command}, {"id", id}};
  if (!arguments.is_null()) message["arguments"] = arguments;
  return dump_json(message) + "\n";
}

Result<std::optional<std::string>> LineSplitter::next() {
  auto end = buffer_.find('\n', searched_);
  if (std::min(end, buffer_.size()) > limits::kQmpLineBytes)
    return fail(ErrorCode::exhausted, fmt::format("a line is longer than {}", format_size(limits::kQmpLineBytes)));
  if (end == buffer_.npos) {
    searched_ = buffer_.size();
    return std::nullopt;
  }
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  searched_ = 0;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace banger::machine::qemu
