// Fuzzes the root helper's input: bytes are parsed as a request, and its arguments are checked against every operation.
// Also fuzzes the client's parsing of replies. No operation runs.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "capabilities/privileged_table.h"
#include "rpc/helper_protocol.h"

namespace {

using namespace banger;

void must(bool holds) {
  if (!holds) std::abort();
}

void try_all(const Json& arguments) {
  static const Logger log(2, LogLevel::error);
  static const capabilities::PrivilegedContext context{
      1000, 1000, "br-banger", "172.16.0.1", 24, {"/home/ana"}, log, "/usr/bin/jailer", "/usr/bin/firecracker"};
  static const auto table = capabilities::privileged_table();
  for (const auto* operation : table) {
    auto found = capabilities::validated(table, context, operation->name, arguments);
    must(found ? *found == operation : !found.error().message.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)rpc::parse_helper_reply(bytes);
  auto request = rpc::parse_helper_request(bytes);
  if (!request) {
    auto told = rpc::encode_helper_error(request.error());
    must(told.ends_with('\n') && !rpc::parse_helper_reply(std::string_view(told).substr(0, told.size() - 1)));
    return 0;
  }
  must(request->arguments.is_object());
  try_all(request->arguments);
  return 0;
}
