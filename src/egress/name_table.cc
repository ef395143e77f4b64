#include "egress/name_table.h"

namespace banger::egress {

// Calls `visit` with the ports of each rule about the name, until it returns false.
template <class Visit>
void NameTable::visit(const std::string& name, Visit visit) const {
  if (auto found = names_.find(name); found != names_.end() && !visit(found->second)) return;
  if (below_.empty()) return;
  for (auto dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1))
    if (auto found = below_.find(name.substr(dot + 1)); found != below_.end() && !visit(found->second)) return;
}

bool NameTable::contains(const std::string& name) const {
  bool found = false;
  visit(name, [&](const Ports&) {
    found = true;
    return false;
  });
  return found;
}

bool NameTable::allows(const std::string& name, std::uint16_t port) const {
  bool allowed = false;
  visit(name, [&](const Ports& ports) {
    allowed = ports.contains(port);
    return !allowed;
  });
  return allowed;
}

Ports NameTable::ports_of(const std::string& name) const {
  Ports all;
  visit(name, [&](const Ports& ports) {
    all.add(ports);
    return true;
  });
  return all;
}

}  // namespace banger::egress
