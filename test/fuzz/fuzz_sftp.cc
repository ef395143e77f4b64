// Fuzzes requests of SFTP: any bytes are no request, or one whose paths mean what they say.
#include <cstdint>
#include <cstdlib>

#include "roles/agent/sftp/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace banger::roles::agent::sftp;
  std::string_view message(reinterpret_cast<const char*>(data), size);
  std::uint32_t id = 0;
  auto request = parse_request(message, id);
  if (!request) return 0;
  if (request->path.find('\0') != request->path.npos || request->other.find('\0') != request->other.npos) std::abort();
  if (request->data.size() > size || request->handle.size() > size) std::abort();
  Writer writer;
  write_attributes(request->attributes, writer);
  auto bytes = writer.take();
  Reader reader(bytes);
  auto again = read_attributes(reader);
  if (!reader.ok() || again.size != request->attributes.size || again.mode != request->attributes.mode) std::abort();
  return 0;
}
