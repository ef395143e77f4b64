// Real processes: what they inherit, how they end, who owns them, and that a reused pid is not mistaken for them.
#include "host/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "catch.h"
#include "host/confine.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
    read = UniqueFd(fds[0]);
    write = UniqueFd(fds[1]);
  }
  UniqueFd read, write;
};

std::string read_all(int fd) {
  std::string text;
  char bytes[4096];
  for (ssize_t got; (got = ::read(fd, bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<std::size_t>(got));
  return text;
}

SpawnSpec shell(const std::string& script) { return {.argv = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}}; }

// Its stdout, once it has ended with success.
std::string output_of(SpawnSpec spec) {
  Pipe pipe;
  spec.stdout_fd = pipe.write.get();
  auto child = spawn(spec);
  if (!child) return "error: " + child.error().message;
  pipe.write.reset();
  std::string text = read_all(pipe.read.get());
  CHECK(child->wait().shell_code() == 0);
  return text;
}

bool alive(pid_t pid) { return process_id(pid).has_value(); }

UniqueFd text_fd(const std::string& text) {
  UniqueFd fd(::memfd_create("text", MFD_CLOEXEC));
  REQUIRE(write_all(fd.get(), text));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

}  // namespace

TEST_CASE("spawn: exit codes and signals come back, also when asked twice") {
  auto seven = spawn(shell("exit 7"));
  REQUIRE(seven);
  CHECK(seven->wait().code == 7);
  CHECK(seven->wait().shell_code() == 7);
  CHECK(seven->poll()->code == 7);
  auto killed = spawn(shell("kill -TERM $$"));
  CHECK(killed->wait().signal == SIGTERM);
  CHECK(killed->wait().shell_code() == 143);
  CHECK(killed->signal(SIGKILL).error().code == ErrorCode::not_found);
}

TEST_CASE("spawn: what cannot be run is an error of the call, with its reason") {
  test::TempDir dir;
  dir.put("plain", "no program");
  dir.put("broken",
          "\x7f"
          "ELF");
  ::chmod((dir / "broken").c_str(), 0755);
  auto code = [](SpawnSpec spec) { return spawn(spec).error().code; };
  CHECK(spawn({.argv = {"no-such-program"}}).error().message == "no-such-program: No such file or directory");
  CHECK(code({.argv = {"no-such-program"}}) == ErrorCode::not_found);
  CHECK(code({.argv = {dir / "missing"}}) == ErrorCode::not_found);
  CHECK(code({.argv = {dir / "plain"}}) == ErrorCode::denied);
  CHECK(code({.argv = {"plain"}, .env = {"PATH=" + dir.path()}}) == ErrorCode::denied);
  CHECK(code({.argv = {dir / "broken"}}) == ErrorCode::unsupported);
  CHECK(code({.argv = {dir.path()}}) == ErrorCode::denied);
  CHECK(code({}) == ErrorCode::invalid);
  CHECK(code({.argv = {""}}) == ErrorCode::not_found);
  CHECK(code({.argv = {"true", std::string(1 << 20, 'x')}, .env = {"PATH=/bin"}}) == ErrorCode::invalid);
}

TEST_CASE("spawn: limits are set, and those that the kernel refuses stay") {
  auto spec = shell("test \"$(ulimit -Sn) $(ulimit -Hn)\" = \"50 100\"");
  spec.limits = {{.resource = RLIMIT_NOFILE, .soft = 50, .hard = 100}};
  CHECK(spawn(spec)->wait().code == 0);
  spec.limits.push_back({.resource = RLIMIT_NOFILE, .soft = 200, .hard = 100});
  CHECK(spawn(spec)->wait().code == 0);
}

TEST_CASE("spawn: a confined program has no new privileges, the kept capabilities, and a filter of system calls") {
  auto spec = shell(
      "grep -q '^NoNewPrivs:.1$' /proc/self/status && grep -q '^Seccomp:.2$' /proc/self/status && "
      "grep -qE '^CapEff:.0+[02]$' /proc/self/status && grep -qE '^CapPrm:.0+[02]$' /proc/self/status && "
      "grep -qE '^CapAmb:.0+$' /proc/self/status");
  CHECK(spawn(spec)->wait().code != 0);
  spec.no_new_privileges = true;
  spec.capabilities = std::uint64_t{1} << CAP_DAC_OVERRIDE;
  spec.system_calls = vmm_system_calls(VmmSockets::none);
  CHECK(spawn(spec)->wait().code == 0);
}

TEST_CASE("spawn: a process whose cgroup the kernel refuses begins in the starter's own") {
  UniqueFd no_group(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto spec = shell("exit 7");
  spec.cgroup_fd = no_group.get();
  auto child = spawn(spec);
  REQUIRE(child);
  CHECK(child->wait().code == 7);
}

TEST_CASE("spawn: a missing working directory is blamed, not the program") {
  auto failed = spawn({.argv = {"/bin/true"}, .cwd = "/no/such/place"});
  CHECK(failed.error().message == "/no/such/place: No such file or directory");
  CHECK(output_of({.argv = {"/bin/pwd"}, .cwd = "/usr"}) == "/usr\n");
}

TEST_CASE("spawn: the environment is exactly the given one, PATH included") {
  test::TempDir dir;
  dir.put("tool", "#!/bin/sh\necho mine\n");
  ::chmod((dir / "tool").c_str(), 0755);
  CHECK(output_of({.argv = {"tool"}, .env = {"PATH=/nowhere:" + dir.path()}}) == "mine\n");
  CHECK(output_of({.argv = {"/usr/bin/env"}, .env = {"A=1", "B=x y"}}) == "A=1\nB=x y\n");
}

TEST_CASE("spawn: only named descriptors survive") {
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd inherited(::fcntl(null.get(), F_DUPFD, 50));  // no close-on-exec, as from a careless parent
  auto listed = output_of({.argv = {"/bin/sh", "-c", "for f in /proc/self/fd/*; do echo ${f##*/}; done"}});
  // The shell reads the directory with one more descriptor.
  CHECK(split(listed, '\n').size() <= 5);
  CHECK(listed.find("\n" + std::to_string(inherited.get()) + "\n") == listed.npos);
  CHECK(output_of(shell("cat; echo end")) == "end\n");
}

TEST_CASE("spawn: extra descriptors arrive at their numbers in any order, even swapped") {
  for (int number : {8, 9}) REQUIRE(::fcntl(number, F_GETFD) < 0);
  auto one = text_fd("one "), two = text_fd("two ");
  UniqueFd eight(::dup2(one.get(), 8)), nine(::dup2(two.get(), 9));
  auto spec = shell("cat <&8; cat <&9; cat <&3");
  auto three = text_fd("three");
  spec.extra_fds = {{8, 9}, {9, 8}, {three.get(), 3}};
  CHECK(output_of(spec) == "two one three");
  ::lseek(one.get(), 0, SEEK_SET);
  auto same = shell("cat <&8");
  same.extra_fds = {{8, 8}};
  CHECK(output_of(same) == "one ");
}

TEST_CASE("spawn: extra descriptors have bounds, and a bad one is an error") {
  auto spec = shell("true");
  spec.extra_fds.assign(17, {0, 3});
  CHECK(spawn(spec).error().code == ErrorCode::invalid);
  spec.extra_fds = {{0, 2}};
  CHECK(spawn(spec).error().code == ErrorCode::invalid);
  spec.extra_fds = {{999, 3}};
  CHECK(spawn(spec).error().sys_errno == EBADF);
}

TEST_CASE("spawn: signals are as fresh as in a new process") {
  auto before = ::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  CHECK(spawn(shell("kill -PIPE $$"))->wait().signal == SIGPIPE);
  CHECK(spawn(shell("kill -USR1 $$"))->wait().signal == SIGUSR1);
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, &old, &now);
  CHECK(sigismember(&now, SIGUSR1) == 1);
  CHECK(sigismember(&now, SIGTERM) == 0);
  CHECK(::signal(SIGPIPE, before) == SIG_IGN);
}

TEST_CASE("spawn: a new session with a controlling terminal") {
  int master = -1, slave = -1;
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
  UniqueFd ours(master), theirs(slave);
  auto spec = shell("echo hello >/dev/tty");
  spec.stdin_fd = theirs.get();
  spec.new_session = true;
  spec.controlling_tty = true;
  auto child = spawn(spec);
  REQUIRE(child);
  CHECK(child->wait().shell_code() == 0);
  char bytes[16];
  ssize_t got = ::read(ours.get(), bytes, sizeof bytes);
  REQUIRE(got > 0);
  CHECK(std::string(bytes, static_cast<std::size_t>(got)) == "hello\r\n");
  auto field = shell("set -- $(cat /proc/self/stat); test $5 = $$ && test $6 = $$ && echo leads");
  field.new_session = true;
  CHECK(output_of(field) == "leads\n");
}

TEST_CASE("spawn: drops to another user with all ids and groups") {
  if (::geteuid() != 0) return;
  auto spec = shell("id -u; id -g; id -G; grep -c '^Uid:.65534.65534.65534.65534' /proc/self/status");
  spec.uid = 65534;
  spec.gid = 65533;
  spec.groups = {65533, 65532};
  CHECK(output_of(spec) == "65534\n65533\n65533 65532\n1\n");
}

TEST_CASE("spawn: a child that is to have the usual oom score has it, and ours stays") {
  const std::string score = "/proc/self/oom_score_adj";
  auto ours = read_file(score, 16).value_or("0");
  SpawnSpec print = shell("cat /proc/self/oom_score_adj");
  // Every process may raise its score, and lower it again to the old value.
  REQUIRE(write_all(open_file(score, O_WRONLY)->get(), "300"));
  auto inherited = output_of(print);
  print.default_oom_score = true;
  auto usual = output_of(print);
  auto still = read_file(score, 16);
  (void)write_all(open_file(score, O_WRONLY)->get(), ours);
  CHECK(inherited == "300\n");
  CHECK(usual == "0\n");
  CHECK(still == "300\n");
}

TEST_CASE("spawn: a child that dies with its starter does so when the starter is killed, any other lives on") {
  for (bool bound : {true, false}) {
    Pipe pipe;
    auto starter = fork_to([&] {
      auto spec = shell("exec sleep 1000");
      spec.dies_with_starter = bound;
      auto child = spawn(spec);
      auto id = child ? process_id(child->pid()) : std::unexpected(child.error());
      if (id) (void)write_all(pipe.write.get(), std::string(reinterpret_cast<const char*>(&*id), sizeof *id));
      pipe.write.reset();
      ::pause();
      return 0;
    });
    REQUIRE(starter);
    pipe.write.reset();
    ProcessId id;
    REQUIRE(::read(pipe.read.get(), &id, sizeof id) == sizeof id);
    auto child = open_process(id);
    REQUIRE(child);
    REQUIRE(starter->signal(SIGKILL));
    starter->wait();
    pollfd ended{child->get(), POLLIN, 0};
    if (bound)
      CHECK(::poll(&ended, 1, 30'000) == 1);
    else
      CHECK(alive(id.pid));
    ::syscall(SYS_pidfd_send_signal, child->get(), SIGKILL, nullptr, 0);
  }
}

TEST_CASE("spawn: a child without processor time left is killed") {
  auto spec = shell("while :; do :; done");
  spec.cpu_seconds = 1;
  auto child = spawn(spec);
  REQUIRE(child);
  CHECK(child->wait().signal == SIGKILL);
}

TEST_CASE("child: destroying it kills and reaps, releasing it lets it live") {
  pid_t pid = 0;
  {
    auto child = spawn(shell("exec sleep 1000"));
    pid = child->pid();
    CHECK(alive(pid));
    CHECK_FALSE(child->poll());
  }
  CHECK_FALSE(alive(pid));
  CHECK(::kill(pid, 0) < 0);
  UniqueFd kept;
  {
    auto child = spawn(shell("exec sleep 1000"));
    pid = child->pid();
    kept = child->release();
  }
  CHECK(alive(pid));
  REQUIRE(kept);
  ::kill(pid, SIGKILL);
  siginfo_t info{};
  CHECK(::waitid(static_cast<idtype_t>(3), static_cast<id_t>(kept.get()), &info, WEXITED) == 0);
}

TEST_CASE("child: assigning another one ends the first; a moved-from one is empty") {
  auto first = spawn(shell("exec sleep 1000"));
  pid_t pid = first->pid();
  *first = std::move(*spawn(shell("exit 3")));
  CHECK_FALSE(alive(pid));
  CHECK(first->wait().code == 3);
  Child moved(std::move(*first));
  CHECK_FALSE(bool(*first));
  CHECK(moved.wait().code == 3);
}

TEST_CASE("process id: pid and start time find the same process, and no other") {
  auto child = spawn(shell("exec sleep 1000"));
  auto id = process_id(child->pid());
  REQUIRE(id);
  CHECK(id->start_time > 0);
  CHECK(open_process(*id));
  auto other = *id;
  other.start_time += 1;
  CHECK(open_process(other).error().code == ErrorCode::not_found);
  (void)child->signal(SIGKILL);
  child->wait();
  CHECK(open_process(*id).error().code == ErrorCode::not_found);
  CHECK(process_id(child->pid()).error().code == ErrorCode::not_found);
}

TEST_CASE("process id: an ended process that was not reaped is gone") {
  auto child = spawn(shell("exit 0"));
  pid_t pid = child->pid();
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  CHECK(process_id(pid).error().code == ErrorCode::not_found);
  CHECK(process_argv(pid).error().code == ErrorCode::not_found);
}

TEST_CASE("process id: a name made to look like the fields behind it does not confuse") {
  test::TempDir dir;
  std::string evil = dir / "a) Z 1 (b) R";
  std::filesystem::copy_file("/bin/sleep", evil);
  auto before = spawn(shell("exec sleep 1000"));
  auto child = spawn({.argv = {evil, "1000"}});
  REQUIRE(child);
  auto id = process_id(child->pid());
  REQUIRE(id);
  CHECK(id->start_time >= process_id(before->pid())->start_time);
  CHECK(id->start_time < process_id(before->pid())->start_time + 6000);
}

TEST_CASE("process argv: arguments come back whole, empty ones too") {
  auto child = spawn({.argv = {"sh", "-c", "sleep 1000; true", "", "two words", ""}, .env = {"PATH=/bin"}});
  auto argv = process_argv(child->pid());
  // Just after its exec a process may have no arguments yet.
  for (int i = 0; i < 10'000 && !argv; ++i) {
    ::usleep(1000);
    argv = process_argv(child->pid());
  }
  REQUIRE(argv);
  CHECK(*argv == std::vector<std::string>{"sh", "-c", "sleep 1000; true", "", "two words", ""});
  CHECK(process_argv(999999999).error().code == ErrorCode::not_found);
}

TEST_CASE("find program: like the shell, but never in the current directory by accident") {
  CHECK(find_program("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK_FALSE(find_program("sh", "/nowhere"));
  CHECK_FALSE(find_program("sh", ""));
  CHECK_FALSE(find_program("", "/bin"));
  CHECK(find_program("./sh", "/bin") == "./sh");
}
