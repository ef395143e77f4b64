#include "roles/agent/apply_document.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "config/toml_json.h"
#include "guestcfg/bounds.h"

namespace banger::roles::agent {

namespace {

// Replaces `text` and `from` by `data`. Everything else is left to guestcfg::from_json.
Result<> inline_content(Json& file, const ReadContent& read, std::size_t& total) {
  if (!file.is_object()) return {};
  auto text = TRY(find_string(file, "text"));
  auto from = TRY(find_string(file, "from"));
  file.erase("text");
  file.erase("from");
  if (!text && !from) return {};
  if ((text && from) || file.contains("data"))
    return fail(ErrorCode::invalid, "'data', 'text' and 'from' exclude each other");
  auto content = from ? TRY(in("field 'from'", read(*from))) : std::move(*text);
  total += content.size();
  if (total > limits::kGuestConfigBytes)
    return fail(ErrorCode::exhausted,
                fmt::format("the files together are over the limit of {} bytes", limits::kGuestConfigBytes));
  file["data"] = to_base64(content);
  return {};
}

Result<Json> parse_document(std::string_view text, const std::string& name) {
  if (!trim(text).starts_with('{')) return config::toml_to_json(text, name);
  return in(name, parse_json(text, limits::kGuestConfigBytes));
}

}  // namespace

Result<guestcfg::GuestConfig> read_apply_document(std::string_view text, const std::string& name,
                                                  const ReadContent& read) {
  auto json = TRY(parse_document(text, name));
  std::size_t total = 0;
  if (auto files = json.find("files"); files != json.end() && files->is_array())
    for (std::size_t i = 0; i < files->size(); ++i)
      TRY(in(fmt::format("{}: files[{}]", name, i), inline_content((*files)[i], read, total)));
  return in(name, guestcfg::from_json(json));
}

}  // namespace banger::roles::agent
