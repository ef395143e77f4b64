// The handlers against the table of methods.
#include "roles/daemon/methods/methods.h"

#include <set>

#include "api/method.h"
#include "catch.h"

using namespace banger;

TEST_CASE("methods: every method has one handler, and every handler has a method") {
  std::set<std::string_view> described, handled;
  for (const auto* group : api::groups())
    for (const auto& method : group->methods) described.insert(method.name);
  for (const auto& handler : roles::daemon::all_handlers()) {
    INFO(handler.method);
    CHECK(handled.insert(handler.method).second);
    CHECK(handler.function != nullptr);
  }
  CHECK(described == handled);
}
