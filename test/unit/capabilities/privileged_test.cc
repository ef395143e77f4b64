// The table of operations that need root: complete, and strict about arguments.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "capabilities/privileged_table.h"
#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

constexpr PrivilegedArgument kArguments[] = {{"name", PrivilegedArgument::Type::text, "short"},
                                             {"count", PrivilegedArgument::Type::number, "small"},
                                             {"flag", PrivilegedArgument::Type::boolean, "any"},
                                             {"files", PrivilegedArgument::Type::list, "few"}};

Result<> check_name(const PrivilegedContext&, const Json& arguments) {
  if (arguments["name"].get<std::string>().size() > 3) return fail(ErrorCode::invalid, "too long");
  return {};
}
Result<PrivilegedReply> nothing(const PrivilegedContext&, const Json&) { return PrivilegedReply{}; }

constexpr PrivilegedOperation kMadeUp{"made.up", "Does nothing", kArguments, check_name, nothing, {}};

const Logger kLog(2);
PrivilegedContext context() { return {1000, 1000, "br-test", "10.0.0.1", 24, {}, kLog}; }

ErrorCode refusal(const Json& arguments) {
  auto found = validated({&kMadeUp}, context(), "made.up", arguments);
  REQUIRE_FALSE(found);
  return found.error().code;
}

}  // namespace

TEST_CASE("privileged: every operation is described whole, once, and its undo exists and asks for nothing else") {
  auto table = privileged_table();
  std::set<std::string_view> names;
  for (const auto* operation : table) {
    INFO(operation->name);
    CHECK(names.insert(operation->name).second);
    CHECK(operation->name.find('.') != std::string_view::npos);
    CHECK_FALSE(operation->summary.ends_with('.'));
    REQUIRE(operation->validate);
    REQUIRE(operation->effect);
    for (const auto& argument : operation->arguments) CHECK_FALSE(argument.rule.empty());
    if (operation->undo.empty()) continue;
    auto undo = std::ranges::find(table, operation->undo, &PrivilegedOperation::name);
    REQUIRE(undo != table.end());
    // The undo operation needs no argument that the operation does not have.
    for (const auto& argument : (*undo)->arguments)
      CHECK(std::ranges::find(operation->arguments, argument.name, &PrivilegedArgument::name) !=
            operation->arguments.end());
  }
}

TEST_CASE("privileged: arguments are all there, of their type, and no others, before they are judged") {
  Json good{{"name", "abc"}, {"count", 1}, {"flag", true}, {"files", Json::array({"a", "b"})}};
  CHECK(*validated({&kMadeUp}, context(), "made.up", good) == &kMadeUp);
  CHECK(validated({&kMadeUp}, context(), "made.down", good).error().code == ErrorCode::not_found);
  CHECK(validated({}, context(), "", good).error().code == ErrorCode::not_found);
  auto with = [&](const char* name, Json value) {
    auto changed = good;
    changed[name] = std::move(value);
    return changed;
  };
  auto without = good;
  without.erase("flag");
  for (const auto& bad :
       {without, with("more", 1), with("name", 1), with("name", nullptr), with("count", "1"), with("count", 1.5),
        with("count", true), with("flag", 1), with("flag", Json::object()), with("name", std::string("a\0b", 3)),
        with("name", "long one"), with("files", "a"), with("files", Json::array({1})),
        with("files", Json::array({"a", std::string("a\0b", 3)})), Json::array(), Json(nullptr), Json("x")})
    CHECK(refusal(bad) == ErrorCode::invalid);
}

TEST_CASE("privileged: only an install with a jailer has operations for jails") {
  auto without = privileged_table(context());
  CHECK(std::ranges::none_of(without, &PrivilegedOperation::jails));
  auto install = context();
  install.jailer = "/opt/jailer";
  CHECK(privileged_table(install).size() == privileged_table().size());
  CHECK(without.size() < privileged_table().size());
}
