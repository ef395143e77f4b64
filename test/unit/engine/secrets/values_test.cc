// The values of secrets in memory, and what becomes of their bytes.
#include "engine/secrets/values.h"

#include <new>

#include "catch.h"

using namespace banger;
using namespace banger::engine;

namespace {

SecretValues::Map values(std::initializer_list<std::pair<const char*, const char*>> list) {
  SecretValues::Map map;
  for (const auto& [name, value] : list) map.emplace(name, SecretText(value));
  return map;
}

std::string value_of(const SecretValues& all, const std::string& vm, std::string_view name) {
  const auto* found = all.find(vm, name);
  return found ? std::string(found->view()) : "-";
}

}  // namespace

TEST_CASE("secret text: its bytes are zero when it ends") {
  alignas(SecretText) char place[sizeof(SecretText)];
  auto* text = new (place) SecretText("hush");
  const char* bytes = text->view().data();
  CHECK(text->view() == "hush");
  // Another owner of the memory keeps it from being used again.
  SecretText moved(std::move(*text));
  bool same = moved.view().data() == bytes;  // as texts, they would be printed to a NUL that is not there
  CHECK(same);
  CHECK(text->view().empty());
  text->~SecretText();
  CHECK(moved.view() == "hush");
  std::string copy = "hush, with room on the heap for more than a short text";
  const char* before = copy.data();
  wipe(copy);
  CHECK(copy.empty());
  CHECK(std::string_view(before, 4) == std::string_view("\0\0\0\0", 4));
}

TEST_CASE("secret values: each VM has its own") {
  SecretValues all;
  all.add("a", values({{"T", "1"}, {"U", "2"}}));
  all.add("a", values({{"T", "3"}}));
  CHECK(value_of(all, "a", "T") == "3");
  CHECK(value_of(all, "a", "U") == "2");
  CHECK(value_of(all, "b", "T") == "-");
  all.keep_only("a", {{.name = "U", .hosts = {}}});
  CHECK(value_of(all, "a", "T") == "-");
  CHECK(value_of(all, "a", "U") == "2");
  auto before = all.of("a");
  all.add("a", values({{"U", "4"}, {"V", "5"}}));
  all.replace("a", std::move(before));
  CHECK(value_of(all, "a", "U") == "2");
  CHECK(value_of(all, "a", "V") == "-");
  all.forget("a");
  CHECK(value_of(all, "a", "U") == "-");
}

TEST_CASE("secret values: a fork has those of its parent, and keeps them") {
  SecretValues all;
  all.add("parent", values({{"T", "1"}}));
  all.inherit("child", "parent");
  CHECK(all.parent_of("child") == "parent");
  CHECK(all.parent_of("parent").empty());
  all.forget("parent");
  CHECK(value_of(all, "child", "T") == "1");
  all.forget("child");
  CHECK(all.parent_of("child").empty());
}
