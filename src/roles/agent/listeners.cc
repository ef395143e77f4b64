#include "roles/agent/listeners.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include "base/text.h"
#include "host/child.h"
#include "host/files.h"
#include "link/bounds.h"
#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The kernel prints an address as 32-bit words in the machine's byte order.
std::optional<std::string> parse_address(std::string_view hex) {
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  std::uint32_t words[4] = {};
  for (std::size_t i = 0; i * 8 < hex.size(); ++i) {
    auto word = number<std::uint32_t>(hex.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    words[i] = *word;
  }
  char text[INET6_ADDRSTRLEN] = {};
  bool mapped = hex.size() == 32 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff);
  if (hex.size() == 8 || mapped)
    ::inet_ntop(AF_INET, &words[mapped ? 3 : 0], text, sizeof text);
  else
    ::inet_ntop(AF_INET6, words, text, sizeof text);
  return text;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> found;
  for (auto word : split(line, ' '))
    if (!word.empty()) found.push_back(word);
  return found;
}

// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
std::optional<Listener> parse_line(std::string_view protocol, std::string_view line) {
  auto field = words_of(line);
  // TCP_LISTEN is 0A; an unconnected UDP socket is 07 (TCP_CLOSE).
  if (field.size() < 10 || field[3] != (protocol == "tcp" ? "0A" : "07")) return std::nullopt;
  auto colon = field[1].find(':');
  if (colon == field[1].npos) return std::nullopt;
  auto address = parse_address(field[1].substr(0, colon));
  auto port = number<std::uint16_t>(field[1].substr(colon + 1), 16);
  auto inode = number<std::uint64_t>(field[9], 10);
  if (!address || !port || *port == 0 || !inode) return std::nullopt;
  return Listener{.protocol = std::string(protocol), .address = *address, .port = *port, .inode = *inode};
}

// The scope of an address, the same for both families.
std::string scope_of(const std::string& address) {
  if (address == "0.0.0.0" || address == "::") return "any";
  if (address == "127.0.0.1" || address == "::1") return "loopback";
  return address;
}

bool is_ipv6(const std::string& address) { return address.find(':') != address.npos; }

using Owners = std::map<std::uint64_t, pid_t>;  // inode → pid, 0 while unknown

void look_through(pid_t pid, Owners& owners) {
  std::error_code error;
  std::filesystem::directory_iterator entry(fmt::format("/proc/{}/fd", pid), error), end;
  for (; !error && entry != end; entry.increment(error)) {
    char target[64];
    auto size = ::readlink(entry->path().c_str(), target, sizeof target);
    std::string_view text(target, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (!text.starts_with("socket:[") || !text.ends_with(']')) continue;
    auto inode = number<std::uint64_t>(text.substr(8, text.size() - 9), 10);
    auto owner = inode ? owners.find(*inode) : owners.end();
    if (owner != owners.end() && (owner->second == 0 || pid < owner->second)) owner->second = pid;
  }
}

void name_owners(std::vector<Listener>& listeners) {
  Owners owners;
  for (const auto& listener : listeners) owners[listener.inode] = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error))
    if (auto pid = number<pid_t>(entry->path().filename().native(), 10)) look_through(*pid, owners);
  for (auto& listener : listeners) {
    listener.pid = owners[listener.inode];
    if (listener.pid == 0) continue;
    listener.process = printable(trim(host::read_file(fmt::format("/proc/{}/comm", listener.pid), 64).value_or("")));
    auto argv = host::process_argv(listener.pid).value_or(std::vector<std::string>{});
    listener.command = printable(join(argv, " "), limits::kPortCommandBytes);
  }
}

std::vector<Listener> read_tables(std::initializer_list<std::string_view> files) {
  std::vector<Listener> listeners;
  for (auto file : files) {
    auto text = host::read_file(fmt::format("/proc/net/{}", file), limits::kProcFileBytes);
    if (!text) continue;  // a kernel without IPv6
    for (auto& listener : parse_socket_table(file.substr(0, 3), *text)) listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace

std::vector<Listener> parse_socket_table(std::string_view protocol, std::string_view text) {
  std::vector<Listener> listeners;
  for (auto line : split(text, '\n'))
    if (auto listener = parse_line(protocol, line); listener && listeners.size() < limits::kPortRows)
      listeners.push_back(std::move(*listener));
  return listeners;
}

std::vector<Listener> merge_listeners(std::vector<Listener> listeners) {
  std::ranges::sort(listeners, {}, [](const Listener& l) {
    return std::tuple(l.protocol, l.port, is_ipv6(l.address), l.address, l.pid, l.inode);
  });
  std::vector<Listener> rows;
  for (auto& listener : listeners) {
    bool shown = std::ranges::any_of(rows, [&](const Listener& row) {
      return row.protocol == listener.protocol && row.port == listener.port && row.process == listener.process &&
             scope_of(row.address) == scope_of(listener.address);
    });
    if (!shown && rows.size() < limits::kPortRows) rows.push_back(std::move(listener));
  }
  return rows;
}

std::vector<Listener> find_tcp_listeners() { return merge_listeners(read_tables({"tcp", "tcp6"})); }

std::vector<Listener> find_listeners() {
  auto listeners = read_tables({"tcp", "tcp6", "udp", "udp6"});
  if (!listeners.empty()) name_owners(listeners);
  return merge_listeners(std::move(listeners));
}

}  // namespace banger::roles::agent
