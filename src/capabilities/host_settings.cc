#include "capabilities/host_settings.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "capabilities/bounds.h"
#include "capabilities/capability.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

constexpr std::string_view kHost = "host";
constexpr std::string_view kZoneMagic = "TZif";  // RFC 8536
constexpr const char* kZones = "/usr/share/zoneinfo/";

// The rule is the last line of a file of version 2 or later (RFC 8536, 3.3).
std::string rule_of(const std::string& path) {
  auto file = host::read_regular_file(path, limits::kZoneFileBytes);
  if (!file || !file->starts_with(kZoneMagic) || !file->ends_with('\n')) return "";
  auto line = std::string_view(*file).substr(0, file->size() - 1);
  line.remove_prefix(std::min(line.rfind('\n'), line.size() - 1) + 1);
  bool plain = !line.empty() && line.size() <= limits::kZoneRuleBytes;
  for (unsigned char c : line) plain = plain && c > ' ' && c < 0x7f;
  return plain ? std::string(line) : "";
}

// LANG=de_DE.UTF-8, or with quotes.
std::string lang_in(const std::string& path) {
  auto file = host::read_regular_file(path, limits::kLocaleFileBytes);
  if (!file) return "";
  for (auto line : split(*file, '\n')) {
    if (!line.starts_with("LANG=")) continue;
    line.remove_prefix(5);
    if (line.size() >= 2 && line.starts_with('"') && line.ends_with('"')) line = line.substr(1, line.size() - 2);
    return std::string(line);
  }
  return "";
}

// Before the image's variables, because its maker did not know this user.
Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  auto zone = vm.timezone.empty() ? "" : timezone_value(vm.timezone);
  auto locale = vm.locale.empty() ? "" : locale_value(vm.locale, host::process_env());
  if (!zone.empty()) config.environment.emplace("TZ", zone);
  if (!locale.empty()) config.environment.emplace("LANG", locale);
  return {};
}

}  // namespace

std::string timezone_value(const std::string& wanted, const std::string& root) {
  if (wanted == kHost) return rule_of(root + "/etc/localtime");
  auto rule = rule_of(root + kZones + wanted);
  return rule.empty() ? wanted : rule;
}

std::string locale_value(const std::string& wanted, const host::GetEnv& env, const std::string& root) {
  if (wanted != kHost) return wanted;
  for (const char* variable : {"LC_ALL", "LANG"})
    if (auto value = env(variable); value && !value->empty()) return *value;
  auto found = lang_in(root + "/etc/default/locale");
  return found.empty() ? lang_in(root + "/etc/locale.conf") : found;
}

extern const Capability host_settings;
constinit const Capability host_settings = {.name = "host_settings", .guest = add_to_guest};

}  // namespace banger::capabilities
