// Fuzzes the RPC framing from both ends: bytes into lines, lines into calls and answers, and the answers to calls.
// Parameters are checked against the table of methods. The seed has one call of each method. A test in
// test/unit/api/method_test.cc compares the seed with the table, and can write the seed anew.
#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "api/method.h"
#include "base/bounds.h"
#include "rpc/protocol.h"

namespace {

using namespace banger::rpc;

std::vector<std::string> lines_of(std::string_view bytes, std::size_t step, std::string& rest) {
  LineReader reader;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
    for (;;) {
      auto line = reader.next();
      if (!line) return lines;
      if (!*line) break;
      lines.push_back(**line);
    }
  }
  rest = reader.take_rest();
  return lines;
}

void must(bool holds) {
  if (!holds) std::abort();
}

// Every answer is one line that the other end can parse.
void check_answer(const std::string& answer) {
  must(std::count(answer.begin(), answer.end(), '\n') == 1 && answer.ends_with('\n'));
  must(answer.size() > banger::limits::kRpcMessageBytes ||
       parse_reply(std::string_view(answer).substr(0, answer.size() - 1)).has_value());
}

void check_params(const Call& call) {
  const auto* method = banger::api::find_method(call.method);
  if (!method) return;
  auto checked = banger::api::check_params(*method, call.params);
  must(checked || (checked.error().code == banger::ErrorCode::invalid && !checked.error().message.empty()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string rest, rest_again;
  auto lines = lines_of(bytes, 65536, rest);
  // The cuts between reads must not change the result.
  must(lines == lines_of(bytes, 5, rest_again) && rest == rest_again);
  for (const auto& line : lines) {
    (void)parse_reply(line);
    auto call = parse_call(line);
    if (!call) {
      must(!call.error().error.message.empty());
      check_answer(encode_error(call.error().id, call.error().error, call.error().code));
      continue;
    }
    must(call->params.is_object());
    check_params(*call);
    check_answer(encode_result(call->id, call->params));
    check_answer(encode_progress(call->id, call->method, line, 1));
    check_answer(encode_error(call->id, banger::Error{banger::ErrorCode::busy, line, 1, call->method}));
  }
  return 0;
}
