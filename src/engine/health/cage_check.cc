#include "engine/health/cage_check.h"

#include <fmt/format.h>

#include "base/text.h"
#include "host/landlock.h"

namespace banger::engine {

namespace {

using capabilities::Check;
using capabilities::CheckStatus;

class Parts {
 public:
  void holds(std::string part) { held_.push_back(std::move(part)); }
  void lacks(std::string part, std::string hint) {
    missing_.push_back(std::move(part));
    if (!hint.empty()) hints_.push_back(std::move(hint));
  }
  Check check() const {
    auto held = fmt::format("QEMU runs with {}", held_.empty() ? "no part of its cage" : join(held_, ", "));
    if (missing_.empty()) return {"cage", CheckStatus::pass, held, ""};
    return {"cage", CheckStatus::warn, fmt::format("{}; missing: {}", held, join(missing_, "; ")), join(hints_, "; ")};
  }

 private:
  std::vector<std::string> held_, missing_, hints_;
};

// What this version restricts, beside the opening of files.
std::string landlock_text(int version) {
  std::string text = fmt::format("Landlock version {} (files", version);
  if (version >= host::landlock::kTcp) text += ", TCP";
  if (version >= host::landlock::kScopes) text += ", signals";
  return text + ")";
}

}  // namespace

Check cage_check(const machine::qemu::QemuFacts& qemu, const host::Confinement& host) {
  Parts parts;
  if (host.no_new_privileges)
    parts.holds("no new privileges");
  else
    parts.lacks(host.no_new_privileges.error().message, host.no_new_privileges.error().hint);
  if (host.system_calls)
    parts.holds("a filter of system calls (seccomp)");
  else
    parts.lacks(host.system_calls.error().message, "use a kernel with CONFIG_SECCOMP_FILTER");
  if (qemu.sandbox)
    parts.holds("QEMU's own filter");
  else
    parts.lacks("this QEMU is built without its own filter (-sandbox)", "install the QEMU of a distribution");
  if (!host.landlock)
    parts.lacks(host.landlock.error().message, host.landlock.error().hint);
  else if (!qemu.landlock)
    parts.lacks(fmt::format("{} does not start with Landlock, because its parts are in unknown places", qemu.binary),
                "set qemu_bin to a program, and not a script, in a directory bin beside its lib and share");
  else
    parts.holds(landlock_text(*host.landlock));
  return parts.check();
}

}  // namespace banger::engine
