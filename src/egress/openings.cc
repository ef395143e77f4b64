#include "egress/openings.h"

#include <algorithm>

#include "egress/bounds.h"

namespace banger::egress {

namespace {

Instant next_grain(Instant time) {
  auto since = time.time_since_epoch() % limits::kOpeningGrain;
  return since.count() == 0 ? time : time + (limits::kOpeningGrain - since);
}

}  // namespace

Openings::Openings() : Openings(limits::kOpenings, limits::kOpeningsAtAddress) {}
Openings::Openings(std::size_t most, std::size_t most_at_address) : most_(most), most_at_address_(most_at_address) {}

Changes Openings::open(const std::vector<Opening>& openings, Instant now) {
  drop_ended(now);
  for (const auto& opening : openings) put(opening, now);
  return settle();
}

Changes Openings::expire(Instant now) {
  drop_ended(now);
  return settle();
}

Changes Openings::clear() {
  for (const auto& opening : all()) drop(opening.address, opening.name);
  return settle();
}

void Openings::put(const Opening& opening, Instant now) {
  auto ends = next_grain(opening.ends);
  if (ends <= now || opening.ports.empty()) return;
  note(opening.address);
  auto& access = addresses_[opening.address][opening.name];
  if (access.ends > ends) ends = access.ends;
  by_end_.erase({access.ends, opening.address, opening.name});
  access = {opening.ports, ends};
  by_end_.emplace(ends, opening.address, opening.name);
  drop_beyond_limits(opening.address);
}

void Openings::drop(Ipv4 address, const std::string& name) {
  note(address);
  auto names = addresses_.find(address);
  auto found = names->second.find(name);
  by_end_.erase({found->second.ends, address, name});
  names->second.erase(found);
  if (names->second.empty()) addresses_.erase(names);
}

void Openings::drop_ended(Instant now) {
  while (!by_end_.empty() && std::get<Instant>(*by_end_.begin()) <= now) {
    auto [ends, address, name] = *by_end_.begin();
    drop(address, name);
  }
}

void Openings::drop_beyond_limits(Ipv4 address) {
  if (const auto& names = addresses_[address]; names.size() > most_at_address_) {
    auto first = std::ranges::min_element(names, {}, [](const auto& entry) { return entry.second.ends; });
    drop(address, std::string(first->first));
  }
  if (by_end_.size() > most_) {
    auto [ends, first, name] = *by_end_.begin();
    drop(first, name);
  }
}

std::vector<Opening> Openings::all() const {
  std::vector<Opening> openings;
  for (const auto& [address, names] : addresses_)
    for (const auto& [name, access] : names) openings.push_back({address, name, access.ports, access.ends});
  return openings;
}

// Remembers the elements of an address before its first change in this call.
void Openings::note(Ipv4 address) {
  if (before_.contains(address)) return;
  auto names = addresses_.find(address);
  before_[address] = names == addresses_.end() ? std::vector<Element>() : elements_of(address, names->second);
}

Changes Openings::settle() {
  Changes changes;
  for (const auto& [address, before] : before_) {
    auto names = addresses_.find(address);
    auto after = names == addresses_.end() ? std::vector<Element>() : elements_of(address, names->second);
    std::ranges::set_difference(before, after, std::back_inserter(changes.removed));
    std::ranges::set_difference(after, before, std::back_inserter(changes.added));
  }
  before_.clear();
  return changes;
}

// Several names may open the same port with different ends. The last end counts. Neighbours with one end are one
// element.
std::vector<Element> Openings::elements_of(Ipv4 address, const Names& names) {
  std::map<std::uint32_t, Instant> pieces;  // from this port on, until the next key; the epoch means closed
  auto cut = [&](std::uint32_t port) {
    auto after = pieces.upper_bound(port);
    return pieces.try_emplace(port, after == pieces.begin() ? Instant() : std::prev(after)->second).first;
  };
  for (const auto& [name, access] : names)
    for (auto range : access.ports.ranges()) {
      auto begin = cut(range.first), end = cut(std::uint32_t{range.last} + 1);
      for (; begin != end; ++begin) begin->second = std::max(begin->second, access.ends);
    }
  std::vector<Element> elements;
  for (auto piece = pieces.begin(); piece != pieces.end() && std::next(piece) != pieces.end(); ++piece) {
    auto first = static_cast<std::uint16_t>(piece->first),
         last = static_cast<std::uint16_t>(std::next(piece)->first - 1);
    if (piece->second == Instant()) continue;
    bool joins = !elements.empty() && elements.back().ports.last + 1 == first && elements.back().ends == piece->second;
    if (joins)
      elements.back().ports.last = last;
    else
      elements.push_back({address, {first, last}, piece->second});
  }
  return elements;
}

bool Openings::is_open(Ipv4 address, std::uint16_t port, Instant now) const {
  auto names = addresses_.find(address);
  return names != addresses_.end() && std::ranges::any_of(names->second, [&](const auto& entry) {
           return entry.second.ends > now && entry.second.ports.contains(port);
         });
}

bool Openings::has(Ipv4 address, Instant now) const { return !name_for(address, now).empty(); }

std::string Openings::name_for(Ipv4 address, Instant now) const {
  auto names = addresses_.find(address);
  if (names == addresses_.end()) return {};
  auto found = std::ranges::find_if(names->second, [&](const auto& entry) { return entry.second.ends > now; });
  return found == names->second.end() ? std::string() : found->first;
}

std::vector<std::string> Openings::names_for(Ipv4 address, Instant now) const {
  std::vector<std::string> all;
  auto names = addresses_.find(address);
  if (names == addresses_.end()) return all;
  for (const auto& [name, access] : names->second)
    if (access.ends > now) all.push_back(name);
  return all;
}

std::optional<Instant> Openings::next_end() const {
  if (by_end_.empty()) return std::nullopt;
  return std::get<Instant>(*by_end_.begin());
}

std::vector<Element> Openings::elements() const {
  std::vector<Element> all;
  for (const auto& [address, names] : addresses_)
    std::ranges::copy(elements_of(address, names), std::back_inserter(all));
  return all;
}

}  // namespace banger::egress
