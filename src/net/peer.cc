#include "net/peer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "base/unique_fd.h"
#include "host/files.h"
#include "net/bounds.h"

namespace banger::net {

namespace {

// A process has closed the socket when the socket has no inode. The kernel then reports uid 0, which must not count as
// root's.
std::optional<uid_t> holder(uid_t uid, std::uint64_t inode) { return inode ? std::optional(uid) : std::nullopt; }

std::unexpected<Error> unknown_peer() {
  return fail(ErrorCode::not_found, "no process of this host holds the other end of the connection");
}

// -- sock_diag

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 about;
};

// The peer's own socket has the ends the other way round.
Question question_about(const TcpEnds& ends) {
  Question question{};
  question.header = {.nlmsg_len = sizeof question,
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST,
                     .nlmsg_seq = 1,
                     .nlmsg_pid = 0};
  question.about.sdiag_family = AF_INET;
  question.about.sdiag_protocol = IPPROTO_TCP;
  auto& id = question.about.id;
  id.idiag_sport = htons(ends.there.port);
  id.idiag_dport = htons(ends.here.port);
  id.idiag_src[0] = htonl(ends.there.address);
  id.idiag_dst[0] = htonl(ends.here.address);
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

// Where the kernel finds no connection, it answers with a listener on the same port.
bool is_answer_to(const Question& question, const inet_diag_msg& answer) {
  return answer.idiag_state != TCP_LISTEN && answer.id.idiag_sport == question.about.id.idiag_sport &&
         answer.id.idiag_dport == question.about.id.idiag_dport;
}

/// The kernel answers within the system call that asks. `unavailable` when this kernel cannot answer.
Result<std::optional<uid_t>> ask_kernel(const TcpEnds& ends) {
  auto question = question_about(ends);
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket || ::send(socket.get(), &question, sizeof question, 0) < 0) return fail_errno("ask sock_diag");
  alignas(nlmsghdr) char buffer[limits::kDiagAnswerBytes];
  auto got = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  auto* header = reinterpret_cast<const nlmsghdr*>(buffer);
  if (got < 0) return fail_errno("ask sock_diag");
  if (static_cast<std::size_t>(got) < NLMSG_LENGTH(sizeof(inet_diag_msg)) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
    return fail(ErrorCode::unavailable, "sock_diag does not know the connection");
  inet_diag_msg answer;
  std::memcpy(&answer, NLMSG_DATA(header), sizeof answer);
  if (!is_answer_to(question, answer)) return std::optional<uid_t>();
  return holder(answer.idiag_uid, answer.idiag_inode);
}

// -- /proc/net/tcp

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (auto word : split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

// The kernel prints an address as the 32-bit number that its four bytes are on this machine.
std::string table_text(const host::Endpoint& end) { return fmt::format("{:08X}:{:04X}", htonl(end.address), end.port); }

// A connection of an IPv6 socket over IPv4 is in the table for IPv6, with a prefix.
bool matches(std::string_view word, const std::string& end) {
  constexpr std::string_view kMapped = "0000000000000000FFFF0000";
  return word == end || (word.starts_with(kMapped) && word.substr(kMapped.size()) == end);
}

template <class Number>
Number number_of(std::string_view text) {
  Number number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Result<TcpEnds> ends_of(int socket) {
  sockaddr_in here{}, there{};
  socklen_t size = sizeof here, other_size = sizeof there;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) < 0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &other_size) < 0)
    return fail_errno("the ends of a connection");
  if (here.sin_family != AF_INET || there.sin_family != AF_INET)
    return fail(ErrorCode::invalid, "the connection is not over IPv4");
  return TcpEnds{.here = {ntohl(here.sin_addr.s_addr), ntohs(here.sin_port)},
                 .there = {ntohl(there.sin_addr.s_addr), ntohs(there.sin_port)}};
}

std::optional<uid_t> find_peer(std::string_view table, const TcpEnds& ends) {
  auto local = table_text(ends.there), remote = table_text(ends.here);
  for (auto line : split(table, '\n')) {
    // Number, local end, remote end, state, queues, timer, retransmits, uid, timeout, inode: proc(5).
    auto words = words_of(line);
    if (words.size() < 10 || !matches(words[1], local) || !matches(words[2], remote)) continue;
    return holder(number_of<uid_t>(words[7]), number_of<std::uint64_t>(words[9]));
  }
  return std::nullopt;
}

Result<uid_t> peer_uid(const TcpEnds& ends) {
  if (auto answer = ask_kernel(ends)) return *answer ? Result<uid_t>(**answer) : unknown_peer();
  for (auto* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    auto table = host::read_file(path, limits::kSocketTableBytes);
    if (auto uid = table ? find_peer(*table, ends) : std::nullopt) return *uid;
  }
  return unknown_peer();
}

bool is_peer_of(int socket, uid_t owner) {
  auto ends = ends_of(socket);
  auto uid = ends ? peer_uid(*ends) : std::unexpected(ends.error());
  return uid && (*uid == owner || *uid == 0);
}

}  // namespace banger::net
