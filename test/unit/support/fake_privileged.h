// A fake Privileged in memory. Every operation is recorded as a step of the log and succeeds, unless the step fails.
#pragma once

#include <map>
#include <string>

#include "capabilities/privileged.h"
#include "support/call_log.h"

namespace banger::test {

class FakePrivileged final : public capabilities::Privileged {
 public:
  explicit FakePrivileged(CallLog& log) : log_(log) {}

  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string) override {
    if (auto step = log_.step("privileged " + operation); !step) co_return std::unexpected(step.error());
    co_return capabilities::PrivilegedReply{.result = results[operation], .fds = {}};
  }
  Way way() const override { return now; }

  Way now = Way::helper;
  std::map<std::string, std::string> results;  ///< JSON results by operation; the default is an empty string

 private:
  CallLog& log_;
};

}  // namespace banger::test
