// One request over a real socket pair. A real handler process answers with a table of test operations.
#include "roles/helper/request.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/child.h"
#include "host/confine.h"
#include "host/files.h"
#include "roles/helper/bounds.h"
#include "rpc/helper_protocol.h"

using namespace banger;
using namespace banger::roles::helper;
using namespace std::chrono_literals;
using capabilities::PrivilegedArgument;
using capabilities::PrivilegedContext;
using capabilities::PrivilegedOperation;
using capabilities::PrivilegedReply;

namespace {

constexpr PrivilegedArgument kText[] = {{"text", PrivilegedArgument::Type::text, "anything"}};
Result<> any(const PrivilegedContext&, const Json&) { return {}; }

Result<PrivilegedReply> echo(const PrivilegedContext&, const Json& arguments) {
  return PrivilegedReply{dump_json(arguments), {}};
}
Result<PrivilegedReply> hand_over(const PrivilegedContext&, const Json&) {
  PrivilegedReply reply;
  reply.fds.push_back(TRY(host::open_file("/dev/null", O_RDONLY)));
  return reply;
}
Result<PrivilegedReply> fail_always(const PrivilegedContext&, const Json&) {
  return fail(ErrorCode::busy, "in use", "wait");
}
Result<PrivilegedReply> tell_powers(const PrivilegedContext&, const Json&) {
  return PrivilegedReply{dump_json({{"powers", TRY(host::effective_capabilities())}}), {}};
}
Result<PrivilegedReply> nonsense(const PrivilegedContext&, const Json&) { return PrivilegedReply{"[1", {}}; }

constexpr PrivilegedOperation kOperations[] = {
    {"test.echo", "Echoes.", kText, any, echo, {}, 0},
    {"test.fd", "Hands over.", {}, any, hand_over, {}, 0},
    {"test.fail", "Fails.", {}, any, fail_always, {}, 0},
    {"test.powers", "Tells.", {}, any, tell_powers, {}, capabilities::power(CAP_CHOWN)},
    {"test.nonsense", "Lies.", {}, any, nonsense, {}, 0},
};

// Whether the filter of system calls allows a mount namespace.
Result<PrivilegedReply> try_unshare(const PrivilegedContext&, const Json&) {
  int error = ::unshare(CLONE_NEWNS) < 0 ? errno : 0;
  return PrivilegedReply{dump_json({{"errno", error}}), {}};
}
constexpr PrivilegedOperation kWithJails[] = {
    {"test.jail", "Makes a namespace.", {}, any, try_unshare, {}, capabilities::power(CAP_SYS_ADMIN), true},
    {"test.other", "Must not.", {}, any, try_unshare, {}, capabilities::power(CAP_SYS_ADMIN)},
};

struct Answer {
  Result<Json> reply;
  std::vector<UniqueFd> fds;
  std::string audit;
  int code;
};

Result<Json> read_reply(int socket, std::vector<UniqueFd>& fds) {
  std::string text;
  for (;;) {
    auto more = host::receive_with_fds(socket, text, fds);
    if (!more || !*more) break;
  }
  if (text.empty()) return fail(ErrorCode::unavailable, "no reply");
  return rpc::parse_helper_reply(std::string_view(text).substr(0, text.size() - 1));
}

/// Sends the bytes, and then the end of the stream unless the test waits.
Answer ask(std::string_view bytes, bool end = false, std::span<const PrivilegedOperation> operations = kOperations) {
  int ends[2], log_ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  REQUIRE(::pipe2(log_ends, O_CLOEXEC) == 0);
  UniqueFd ours(ends[0]), theirs(ends[1]), log_read(log_ends[0]), log_write(log_ends[1]);
  auto lock = OperationLock::make();
  REQUIRE(lock);
  Logger log(log_write.get());
  capabilities::PrivilegedTable table;
  for (const auto& operation : operations) table.push_back(&operation);
  PrivilegedContext privileged{1000, 1000, "br-test", "10.0.0.1", 24, {}, log};
  auto handler = host::fork_to([&] {
    ours.reset();
    return handle_request({table, privileged, *lock, 500ms}, std::move(theirs), {.pid = 42, .uid = 1000, .gid = 1000});
  });
  REQUIRE(handler);
  theirs.reset();
  while (!bytes.empty()) {
    auto sent = host::send_with_fds(ours.get(), bytes);
    if (!sent) break;  // the handler has closed the connection
    bytes.remove_prefix(*sent);
  }
  if (end) ::shutdown(ours.get(), SHUT_WR);
  Answer answer{.reply = fail(ErrorCode::internal, ""), .fds = {}, .audit = {}, .code = 0};
  answer.reply = read_reply(ours.get(), answer.fds);
  answer.code = handler->wait().shell_code();
  log_write.reset();
  answer.audit = host::read_file("/proc/self/fd/" + std::to_string(log_read.get()), 64 * 1024).value_or("");
  return answer;
}

bool without_root(const char* name) {
  // A handler without capabilities can still drop capabilities, so this test needs no root.
  if (::geteuid() == 0) return false;
  std::printf("SKIPPED: %s: only root has powers to keep\n", name);
  return true;
}

}  // namespace

TEST_CASE("request: a valid one is run, answered and logged") {
  auto answer = ask(rpc::encode_helper_request("test.echo", {{"text", "a \"b\"\n"}}));
  REQUIRE(answer.reply);
  CHECK(*answer.reply == Json{{"text", "a \"b\"\n"}});
  CHECK(answer.code == 0);
  for (auto* part : {"helper.request", "uid=1000", "pid=42", "operation=test.echo", "outcome=done", " ms="})
    CHECK(answer.audit.find(part) != std::string::npos);
  CHECK(std::count(answer.audit.begin(), answer.audit.end(), '\n') == 1);
}

TEST_CASE("request: with jails, other operations do not get the rights of jails") {
  constexpr auto kName = "request: with jails, other operations do not get the rights of jails";
  if (without_root(kName)) return;
  auto jail = ask(rpc::encode_helper_request("test.jail", Json::object()), false, kWithJails);
  REQUIRE(jail.reply);
  CHECK(*jail.reply == Json{{"errno", 0}});
  auto other = ask(rpc::encode_helper_request("test.other", Json::object()), false, kWithJails);
  REQUIRE(other.reply);
  CHECK(*other.reply == Json{{"errno", EPERM}});
}

TEST_CASE("request: descriptors are sent with the reply") {
  auto answer = ask(rpc::encode_helper_request("test.fd", Json::object()));
  REQUIRE(answer.reply);
  REQUIRE(answer.fds.size() == 1);
  char byte;
  CHECK(::read(answer.fds[0].get(), &byte, 1) == 0);
}

TEST_CASE("request: an operation's error is sent completely, and an invalid result is an internal error") {
  auto answer = ask(rpc::encode_helper_request("test.fail", Json::object()));
  REQUIRE_FALSE(answer.reply);
  CHECK(answer.reply.error().sentence() == "test.fail: in use (hint: wait)");
  CHECK(answer.reply.error().code == ErrorCode::busy);
  CHECK(answer.audit.find("outcome=busy") != std::string::npos);
  CHECK(ask(rpc::encode_helper_request("test.nonsense", Json::object())).reply.error().code == ErrorCode::internal);
}

TEST_CASE("request: an operation has only its own powers") {
  if (without_root("request: an operation has only its own powers")) return;
  auto own = ask(rpc::encode_helper_request("test.powers", Json::object()));
  REQUIRE(own.reply);
  CHECK((*own.reply)["powers"] == capabilities::power(CAP_CHOWN));
}

TEST_CASE("request: anything but one whole request is refused, logged and harmless") {
  struct Case {
    std::string bytes;
    bool end;
    ErrorCode code;
  };
  for (const auto& [bytes, end, code] :
       {Case{"", true, ErrorCode::invalid}, Case{"{\"operation\":", true, ErrorCode::invalid},
        Case{"\n", false, ErrorCode::invalid}, Case{std::string(1000, '\0') + "\n", false, ErrorCode::invalid},
        Case{std::string(1000, '['), true, ErrorCode::invalid},
        Case{std::string(1000, '[') + "\n", false, ErrorCode::invalid},
        Case{R"({"operation":"test.none"})"
             "\n",
             false, ErrorCode::not_found},
        Case{R"({"operation":"test.echo"})"
             "\n",
             false, ErrorCode::invalid},
        Case{R"({"operation":"test.fail"})"
             "\n{}",
             false, ErrorCode::invalid},
        Case{"{\"operation\":\"\x1b[2J\\n\\nfaked=1\"}\n", false, ErrorCode::invalid},
        Case{std::string(limits::kHelperMessageBytes + 1, 'x'), false, ErrorCode::invalid},
        Case{std::string(4 * limits::kHelperMessageBytes, 'x'), false, ErrorCode::invalid}}) {
    INFO(bytes.substr(0, 40));
    auto answer = ask(bytes, end);
    REQUIRE_FALSE(answer.reply);
    CHECK(answer.reply.error().code == code);
    CHECK(answer.code == 1);
    CHECK(std::count(answer.audit.begin(), answer.audit.end(), '\n') == 1);
    CHECK(answer.audit.find('\x1b') == std::string::npos);
    CHECK(answer.audit.find(" faked=1") == std::string::npos);
    CHECK(answer.audit.size() < 4 * limits::kHelperAuditBytes);
  }
}

TEST_CASE("request: a client that does not finish its request gets a timeout") {
  auto answer = ask("{\"operation\":");
  REQUIRE_FALSE(answer.reply);
  CHECK(answer.reply.error().code == ErrorCode::timeout);
}
