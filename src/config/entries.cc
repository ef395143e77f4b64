#include "config/entries.h"

#include <fmt/format.h>

#include "base/text.h"

namespace banger::config {

Written written_of(const toml::node& node) {
  if (auto* text = node.as_string()) return text->get();
  if (auto* flag = node.as_boolean()) return flag->get();
  if (auto* number = node.as_integer()) return number->get();
  if (auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const auto& item : *list) {
      auto* text = item.as_string();
      if (!text) return {};
      texts.push_back(text->get());
    }
    return texts;
  }
  return {};
}

std::unexpected<Error> unknown_key(const std::string& name, std::vector<std::string> known) {
  std::string last = name.substr(name.rfind('.') + 1);
  for (const auto& key : schema()) {
    auto dot = key.name.rfind('.');
    auto table = key.name.substr(0, dot);
    bool list = table == kListTable;
    if (dot != key.name.npos && key.name.substr(dot + 1) == last && name != key.name)
      return fail(ErrorCode::invalid, fmt::format("unknown key '{}'", printable(name)),
                  fmt::format("put '{}' under {}{}{}", last, list ? "[[" : "[", table, list ? "]]" : "]"));
    known.emplace_back(key.name);
    if (dot != key.name.npos) known.emplace_back(table);
  }
  return fail(ErrorCode::invalid, fmt::format("unknown key '{}'", printable(name)),
              did_you_mean(name.substr(0, 128), known));
}

}  // namespace banger::config
