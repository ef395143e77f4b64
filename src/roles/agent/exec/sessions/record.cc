#include "roles/agent/exec/sessions/record.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/byte_string.h"
#include "host/files.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

std::string file_of(const std::string& directory) { return directory + "/meta.json"; }

Result<std::vector<std::string>> argv_from(const Json& json) {
  std::vector<std::string> argv;
  const Json* list = find_field(json, "argv");
  if (!list || !list->is_array()) return fail(ErrorCode::corrupt, "field 'argv' must be a list");
  for (const auto& item : *list) {
    auto word = from_byte_string(item);
    if (!word) return fail(ErrorCode::corrupt, "field 'argv' must have byte strings");
    argv.push_back(std::move(*word));
  }
  return argv;
}

}  // namespace

std::int64_t unix_ms_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

SessionRecord new_record(const link::SessionSpec& spec, std::uint64_t log_bytes) {
  SessionRecord record{.id = host::random_id(),
                       .name = spec.name,
                       .argv = spec.command.argv,
                       .cwd = spec.command.cwd,
                       .user = spec.command.user,
                       .input = spec.input,
                       .reason = {}};
  record.started_ms = unix_ms_now();
  record.log_bytes = log_bytes;
  return record;
}

Json to_json(const SessionRecord& record) {
  Json argv = Json::array();
  for (const auto& word : record.argv) argv.push_back(to_byte_string(word));
  return {{"id", record.id},
          {"name", record.name},
          {"argv", std::move(argv)},
          {"cwd", to_byte_string(record.cwd)},
          {"user", to_byte_string(record.user)},
          {"input", word_of(link::kSessionInputWords, record.input)},
          {"state", word_of(kSessionStateWords, record.state)},
          {"pid", record.pid},
          {"code", record.code},
          {"signal", record.signal},
          {"reason", record.reason},
          {"started_ms", record.started_ms},
          {"ended_ms", record.ended_ms},
          {"log_bytes", record.log_bytes},
          {"main", record.main}};
}

Result<SessionRecord> record_from_json(const Json& json) {
  SessionRecord record{.id = TRY(get_string(json, "id")), .name = TRY(get_string(json, "name"))};
  record.argv = TRY(argv_from(json));
  record.cwd = TRY(get_bytes(json, "cwd"));
  record.user = TRY(get_bytes(json, "user"));
  auto input = value_of(link::kSessionInputWords, TRY(get_string(json, "input")));
  auto state = value_of(kSessionStateWords, TRY(get_string(json, "state")));
  if (!input || !state) return fail(ErrorCode::corrupt, "fields 'input' and 'state' must be words of a session");
  record.input = *input;
  record.state = *state;
  record.pid = TRY(get_int(json, "pid"));
  record.code = TRY(get_int(json, "code"));
  record.signal = TRY(get_int(json, "signal"));
  record.reason = TRY(get_string(json, "reason"));
  record.started_ms = TRY(get_int(json, "started_ms"));
  record.ended_ms = TRY(get_int(json, "ended_ms"));
  record.log_bytes = static_cast<std::uint64_t>(TRY(get_int(json, "log_bytes")));
  record.main = TRY(get_bool(json, "main"));
  return record;
}

Result<> save_record(const std::string& directory, const SessionRecord& record) {
  return host::write_file(file_of(directory), dump_json(to_json(record)));
}

Result<SessionRecord> load_record(const std::string& directory) {
  auto text = TRY(host::read_regular_file(file_of(directory), limits::kSessionRecordBytes));
  return in(file_of(directory), record_from_json(TRY(parse_json(text, limits::kSessionRecordBytes))));
}

}  // namespace banger::roles::agent
