// The struct's defaults and docs/config.md agree with the schema.
#include "config/schema.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "base/text.h"
#include "catch.h"
#include "vm/fields.h"

using namespace banger;
using namespace banger::config;

namespace {

Written written_default(const Key& key) {
  if (key.type == Type::boolean) return key.fallback == "true";
  if (key.type == Type::count) return static_cast<std::int64_t>(std::stoll(std::string(key.fallback)));
  if (key.type == Type::texts) return std::vector<std::string>{};
  return std::string(key.fallback);
}

std::string doc_row(const Key& key) {
  std::string fallback = key.fallback.empty()        ? ""
                         : key.fallback == kFromHost ? std::string(kFromHost)
                                                     : fmt::format("`{}`", key.fallback);
  return fmt::format("| `{}` | {} | {} | {} |", key.name, type_text(key), fallback, key.doc);
}

// The table rows of docs/config.md by their section.
std::map<std::string, std::vector<std::string>> doc_rows() {
  std::ifstream file(BANGER_SOURCE_DIR "/docs/config.md");
  std::map<std::string, std::vector<std::string>> rows;
  std::string section;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) section = line.substr(3);
    if (line.starts_with("| `")) rows[section].push_back(line);
  }
  return rows;
}

}  // namespace

TEST_CASE("schema: names are unique and each has a sentence without its full stop") {
  std::set<std::string_view> names;
  for (const auto& key : schema()) {
    INFO(key.name);
    CHECK(names.insert(key.name).second);
    CHECK_FALSE(key.doc.empty());
    CHECK_FALSE(key.doc.ends_with('.'));
    CHECK(key.set != nullptr);
    CHECK((key.type == Type::choice) == !key.choices.empty());
    CHECK(find_key(key.name) == &key);
  }
  CHECK(find_key("nothing") == nullptr);
}

TEST_CASE("schema: the defaults are those of an untouched Config") {
  Config config;
  for (Key key : schema()) {
    if (key.fallback == kFromHost || key.name.starts_with("vm_defaults.") || key.name.starts_with("file_sync.") ||
        key.name.contains(kNamePart))
      continue;
    INFO(key.name);
    key.implemented = true;
    CHECK(set_value(config, key, written_default(key)));
  }
  Config untouched;
  CHECK(config.log_level == untouched.log_level);
  CHECK(config.machine == untouched.machine);
  CHECK(config.qemu_bin == untouched.qemu_bin);
  CHECK(config.firecracker_bin == untouched.firecracker_bin);
  CHECK(config.jailer_bin == untouched.jailer_bin);
  CHECK(config.jailer_enabled == untouched.jailer_enabled);
  CHECK(config.storage == untouched.storage);
  CHECK(config.ssh_key_path == untouched.ssh_key_path);
  CHECK(config.default_image_name == untouched.default_image_name);
  CHECK(config.default_registry == untouched.default_registry);
  CHECK(config.insecure_registries == untouched.insecure_registries);
  CHECK(config.max_image_bytes == untouched.max_image_bytes);
  CHECK(config.catalog == untouched.catalog);
  CHECK(config.catalog_key == untouched.catalog_key);
  CHECK(config.web_listen_addr == untouched.web_listen_addr);
  CHECK(config.auto_stop_stale_after == untouched.auto_stop_stale_after);
  CHECK(config.stats_poll_interval == untouched.stats_poll_interval);
  CHECK(config.metrics_poll_interval == untouched.metrics_poll_interval);
  CHECK(config.network == untouched.network);
  CHECK(config.default_egress == untouched.default_egress);
  CHECK(config.bridge_name == untouched.bridge_name);
  CHECK(config.bridge_ip == untouched.bridge_ip);
  CHECK(config.cidr == untouched.cidr);
  CHECK(config.tap_pool_size == untouched.tap_pool_size);
  CHECK(config.default_dns == untouched.default_dns);
  CHECK(config.guest_timezone == untouched.guest_timezone);
  CHECK(config.guest_locale == untouched.guest_locale);
  CHECK(config.guest_git_identity == untouched.guest_git_identity);
}

TEST_CASE("schema: durations are read as written, and need a unit") {
  Config config;
  Key key = *find_key("auto_stop_stale_after");
  key.implemented = true;
  REQUIRE(set_value(config, key, std::string("24h")));
  CHECK(config.auto_stop_stale_after == std::chrono::hours(24));
  CHECK(set_value(config, key, std::int64_t{24}).error().hint ==
        "write it in quotes with a unit, like auto_stop_stale_after = \"24h\"");
  CHECK(set_value(config, key, std::string("24 hours")).error().message ==
        "'auto_stop_stale_after': '24 hours' is not a duration");
  Key flag = *find_key("jailer_enabled");
  flag.implemented = true;
  CHECK(set_value(config, flag, std::string("yes")).error().message == "'jailer_enabled' must be true or false");
  REQUIRE(set_value(config, flag, true));
  CHECK(config.jailer_enabled);
}

TEST_CASE("schema: a field of a VM that has its default from the config has a key there") {
  for (const auto& field : vm::kFields) {
    if (field.config_key.empty()) continue;
    INFO(field.name);
    const auto* key = find_key(field.config_key);
    REQUIRE(key);
    CHECK((key->type == Type::choice) == (field.type == vm::FieldType::choice));
    CHECK(split(key->choices, '|').size() == std::max<std::size_t>(field.choices.size(), 1));
  }
}

TEST_CASE("schema: docs/config.md lists exactly these keys, types and defaults") {
  std::map<std::string, std::vector<std::string>> expected;
  for (const auto& key : schema()) expected[key.implemented ? "Keys" : "Not in this version"].push_back(doc_row(key));
  for (const auto& [section, rows] : expected) UNSCOPED_INFO("## " << section << "\n\n" << join(rows, "\n"));
  CHECK(doc_rows() == expected);
}
