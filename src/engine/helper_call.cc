#include "engine/helper_call.h"

#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "rpc/helper_protocol.h"

namespace banger::engine {

Task<Result<capabilities::PrivilegedReply>> call_helper(host::Runtime& runtime, LineServer server,
                                                        std::string operation, std::string arguments) {
  auto parsed = CO_TRY(parse_json(arguments, limits::kHelperMessageBytes));
  auto answer =
      CO_TRY(co_await exchange_lines(runtime, std::move(server), rpc::encode_helper_request(operation, parsed),
                                     limits::kHelperMessageBytes, host::after(limits::kHelperReplyDeadline)));
  co_return capabilities::PrivilegedReply{.result = dump_json(CO_TRY(rpc::parse_helper_reply(answer.line))),
                                          .fds = std::move(answer.fds)};
}

}  // namespace banger::engine
