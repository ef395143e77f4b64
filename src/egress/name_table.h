// The names that rules allow, with their ports. A lookup costs one hash for each label of the name, however many rules
// there are. Pure.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "egress/ports.h"

namespace banger::egress {

class NameTable {
 public:
  void add(const std::string& name, PortRange ports) { names_[name].add(ports); }
  void add_below(const std::string& name, PortRange ports) { below_[name].add(ports); }

  // `name` is canonical (host.h).
  bool contains(const std::string& name) const;
  bool allows(const std::string& name, std::uint16_t port) const;
  Ports ports_of(const std::string& name) const;

 private:
  template <class Visit>
  void visit(const std::string& name, Visit visit) const;

  std::unordered_map<std::string, Ports> names_, below_;
};

}  // namespace banger::egress
