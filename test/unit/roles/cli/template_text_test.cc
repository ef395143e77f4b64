// Templates of --format.
#include "roles/cli/template_text.h"

#include <nlohmann/json.hpp>

#include "api/objects/vm.h"
#include "catch.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

std::string line(std::string_view text, const Json& object) {
  auto made = TemplateText::parse(text, api::VmObject::kObject);
  REQUIRE(made);
  return made->line(object);
}

std::string refusal(std::string_view text) {
  auto made = TemplateText::parse(text, api::VmObject::kObject);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::invalid);
  return made.error().message;
}

const Json kVm = {{"name", "web"},
                  {"state", "running"},
                  {"vcpus", 2},
                  {"nat", true},
                  {"pid", nullptr},
                  {"labels", {{"ci", ""}, {"team", "a"}}},
                  {"publish", {"127.0.0.1:1:2", "127.0.0.1:3:4"}},
                  {"metrics", {{"disk_reads", 7}}}};

}  // namespace

TEST_CASE("format: fields, escapes and braces") {
  CHECK(line(R"({name}\t{state})", kVm) == "web\trunning\n");
  CHECK(line(R"(\\{{{name}}}\n)", kVm) == "\\{web}\n\n");
  CHECK(line("", kVm) == "\n");
}

TEST_CASE("format: values of every type are words without quotes") {
  CHECK(line("{vcpus} {nat} [{pid}]", kVm) == "2 true []\n");
  CHECK(line("{labels}", kVm) == "ci,team=a\n");
  CHECK(line("{publish}", kVm) == "127.0.0.1:1:2,127.0.0.1:3:4\n");
}

TEST_CASE("format: a part of a map is named behind a dot, and one that is absent is empty") {
  CHECK(line("{labels.team} {labels.none}|{metrics.disk_reads}", kVm) == "a |7\n");
  CHECK(line("[{forced}]", kVm) == "[]\n");
}

TEST_CASE("format: what a guest has written is harmless") {
  CHECK(line("{ended}", {{"ended", "panic\x1b[31m\nweb2"}}) == "panic?[31m?web2\n");
}

TEST_CASE("format: an unknown field is refused with all fields") {
  auto made = TemplateText::parse("{nmae}", api::VmObject::kObject);
  REQUIRE_FALSE(made);
  CHECK(made.error().message == "--format: there is no field 'nmae'");
  CHECK(made.error().hint.starts_with("the fields are id, name, state, "));
  CHECK(refusal("{name.first}") == "--format: the field 'name' has no parts");
  CHECK(refusal("{}") == "--format: there is no field ''");
}

TEST_CASE("format: a brace or backslash that stands alone is refused") {
  for (auto text : {"{name", "name}", "{", "}"}) CHECK(refusal(text) == "--format: a brace stands alone");
  for (auto text : {R"(\)", R"(\x)", R"({name}\)"})
    CHECK(refusal(text) == "--format: a backslash stands before t, n or another backslash");
}
