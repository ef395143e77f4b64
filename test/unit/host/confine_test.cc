// What a confined process can no longer do; each test confines a child and asks it to try.
#include "host/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "catch.h"
#include "host/child.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::host;

namespace {

ExitStatus in_child(const std::function<int()>& work) {
  auto child = fork_to(work);
  REQUIRE(child);
  return child->wait();
}

bool confine(std::uint64_t keep) { return keep_capabilities(keep) && forbid_new_privileges() && filter_system_calls(); }

// 0 when the confined child's attempt fails with that errno.
int refused(int expected, const std::function<long()>& attempt) {
  return in_child([&] {
           if (!confine(0)) return 200;
           errno = 0;
           if (attempt() >= 0) return 201;
           return errno == expected ? 0 : errno;
         })
      .shell_code();
}

bool skip_unless_root(const char* name) {
  if (::geteuid() == 0) return false;
  std::printf("SKIPPED: %s: it must be root to begin with\n", name);
  return true;
}

constexpr std::uint64_t bit(int number) { return std::uint64_t{1} << number; }

// In a program that the confined process starts.
int status_has(const std::string& field, const std::string& value) {
  auto program = spawn({.argv = {"/bin/sh", "-c", "grep -q '^" + field + ":.0*" + value + "$' /proc/self/status"},
                        .env = {"PATH=/usr/bin:/bin"}});
  return program ? program->wait().shell_code() : 99;
}

}  // namespace

TEST_CASE("confine: only the kept capabilities are left, in later programs too") {
  if (skip_unless_root("confine: only the kept capabilities are left, in later programs too")) return;
  auto status = in_child([] {
    if (!confine(bit(CAP_NET_ADMIN))) return 200;
    if (effective_capabilities().value_or(0) != bit(CAP_NET_ADMIN)) return 1;
    for (int number : {CAP_SYS_ADMIN, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_SETPCAP})
      if (::prctl(PR_CAPBSET_READ, number) != 0) return 2;
    if (::prctl(PR_CAPBSET_READ, CAP_NET_ADMIN) != 1) return 3;
    if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
    return status_has("CapEff", "1000") + status_has("CapBnd", "1000");  // bit 12
  });
  CHECK(status.shell_code() == 0);
}

TEST_CASE("confine: capabilities can be given up again, never taken back") {
  if (skip_unless_root("confine: capabilities can be given up again, never taken back")) return;
  auto status = in_child([] {
    if (!confine(bit(CAP_NET_ADMIN) | bit(CAP_CHOWN))) return 200;
    if (!keep_capabilities(bit(CAP_CHOWN))) return 1;
    if (effective_capabilities().value_or(0) != bit(CAP_CHOWN)) return 2;
    if (keep_capabilities(bit(CAP_NET_ADMIN))) return 3;
    return status_has("CapEff", "1");  // bit 0
  });
  CHECK(status.shell_code() == 0);
}

TEST_CASE("confine: root without capabilities cannot read the files of others") {
  if (skip_unless_root("confine: root without capabilities cannot read the files of others")) return;
  test::TempDir dir;
  dir.put("private", "x");
  auto path = dir / "private";
  REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(refused(EACCES, [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }) == 0);
  CHECK(refused(EPERM, [&] { return ::chown(path.c_str(), 0, 0); }) == 0);
}

// The filter alone, with all capabilities kept: the refusal must not depend on the capabilities.
TEST_CASE("system calls: what no operation needs is refused") {
  auto refused_by_filter = [](long call) {
    return in_child([&] {
             if (!forbid_new_privileges() || !filter_system_calls()) return 200;
             errno = 0;
             // Invalid arguments for all of the calls: without the filter they fail otherwise, or do nothing.
             if (::syscall(call, -1, -1, -1, -1, -1, -1) >= 0) return 201;
             return errno == EPERM ? 0 : errno;
           })
        .shell_code();
  };
  for (long call : {SYS_mount,
                    SYS_umount2,
                    SYS_ptrace,
                    SYS_unshare,
                    SYS_setns,
                    SYS_chroot,
                    SYS_pivot_root,
                    SYS_setuid,
                    SYS_setresuid,
                    SYS_setgroups,
                    SYS_mknod,
                    SYS_symlink,
                    SYS_link,
                    SYS_bpf,
                    SYS_init_module,
                    SYS_finit_module,
                    SYS_delete_module,
                    SYS_kexec_load,
                    SYS_keyctl,
                    SYS_add_key,
                    SYS_perf_event_open,
                    SYS_io_uring_setup,
                    SYS_userfaultfd,
                    SYS_process_vm_readv,
                    SYS_process_vm_writev,
                    SYS_swapon,
                    SYS_open_by_handle_at,
                    SYS_clock_settime,
                    SYS_settimeofday,
                    SYS_sethostname,
                    SYS_iopl,
                    SYS_personality,
                    SYS_mount_setattr,
                    SYS_fsopen,
                    SYS_move_mount,
                    SYS_execveat,
                    SYS_reboot,
                    SYS_setxattr,
                    SYS_shmget}) {
    INFO(call);
    CHECK(refused_by_filter(call) == 0);
  }
}

TEST_CASE("system calls: sockets are local or netlink, processes get no namespaces, terminals no input") {
  if (skip_unless_root("system calls: sockets are local or netlink, processes get no namespaces, terminals no input"))
    return;
  CHECK(refused(EAFNOSUPPORT, [] { return ::socket(AF_INET, SOCK_STREAM, 0); }) == 0);
  CHECK(refused(EAFNOSUPPORT, [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }) == 0);
  CHECK(refused(EAFNOSUPPORT, [] { return ::socket(AF_ALG, SOCK_SEQPACKET, 0); }) == 0);
  CHECK(refused(EPERM, [] { return ::syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0); }) == 0);
  CHECK(refused(ENOSYS, [] { return ::syscall(SYS_clone3, nullptr, 0); }) == 0);
  CHECK(refused(EPERM, [] { return ::ioctl(0, TIOCSTI, "x"); }) == 0);
  auto status = in_child([] {
    if (!confine(0)) return 200;
    UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    return local && netlink ? 0 : 1;
  });
  CHECK(status.shell_code() == 0);
}

TEST_CASE("system calls: another architecture's numbers end the process") {
  auto status = in_child([] {
    if (!forbid_new_privileges() || !filter_system_calls()) return 200;
    ::syscall(0x40000000 | SYS_getpid);  // x32
    return 0;
  });
  CHECK(status.signal == SIGSYS);
  status = in_child([] {
    if (!forbid_new_privileges() || !filter_system_calls()) return 200;
    ::signal(SIGSEGV, SIG_DFL);  // a kernel without i386 calls sends it
    long result = 20;            // getpid there
    asm volatile("int $0x80" : "+a"(result)::"memory");
    return 0;
  });
  CHECK((status.signal == SIGSYS || status.signal == SIGSEGV));
}

TEST_CASE("system calls: programs still start and do their work") {
  auto status = in_child([] {
    if (!forbid_new_privileges() || !filter_system_calls()) return 200;
    auto program = spawn({.argv = {"/bin/sh", "-c", "ls -l / | grep -q etc && test \"$(echo a | tr a b)\" = b"},
                          .env = {"PATH=/usr/bin:/bin"}});
    return program ? program->wait().shell_code() : 1;
  });
  CHECK(status.shell_code() == 0);
}

TEST_CASE("confine: for jails there are mounts in a namespace of one's own, and no other namespaces") {
  constexpr auto kName = "confine: for jails there are mounts in a namespace of one's own, and no other namespaces";
  if (skip_unless_root(kName)) return;
  auto status = in_child([] {
    if (!keep_capabilities(bit(CAP_SYS_ADMIN)) || !forbid_new_privileges() || !filter_system_calls(Calls::jails))
      return 200;
    for (int kind : {CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP,
                     CLONE_NEWNS | CLONE_NEWNET})
      if (::unshare(kind) == 0 || errno != EPERM) return 201;
    if (::unshare(CLONE_NEWNS) < 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return 202;
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 || ::syscall(SYS_bpf, 0, nullptr, 0) >= 0) return 203;
    // A second filter removes the permission again.
    if (!filter_system_calls()) return 204;
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 && errno == EPERM ? 0 : 205;
  });
  CHECK(status.shell_code() == 0);
}

TEST_CASE("confine: a server with sockets has those of IPv4, and a small one has not") {
  for (auto calls : {Calls::sockets, Calls::few}) {
    auto status = in_child([calls] {
      if (!forbid_new_privileges() || !filter_system_calls(calls)) return 200;
      bool inet = ::socket(AF_INET, SOCK_DGRAM, 0) >= 0, other = ::socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
      if (other || ::socket(AF_UNIX, SOCK_STREAM, 0) < 0) return 201;
      return inet == (calls == Calls::sockets) ? 0 : 202;
    });
    CHECK(status.shell_code() == 0);
  }
}

TEST_CASE("vmm system calls: no sockets beyond the internet's, no namespaces, no other process") {
  auto error_under = [](VmmSockets sockets, const std::function<long()>& attempt) {
    return in_child([&] {
             auto code = vmm_system_calls(sockets);
             sock_fprog filter{static_cast<unsigned short>(code.size()), code.data()};
             if (!forbid_new_privileges() || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) return 200;
             return attempt() < 0 ? errno : 0;
           })
        .shell_code();
  };
  auto socket = [](int family) { return [family] { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0); }; };
  for (auto sockets : {VmmSockets::none, VmmSockets::internet}) {
    for (int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG})
      CHECK(error_under(sockets, socket(family)) == EAFNOSUPPORT);
    int both[2];
    CHECK(error_under(sockets, [&] { return ::socketpair(AF_UNIX, SOCK_DGRAM, 0, both); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::unshare(CLONE_NEWUSER); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::ptrace(PTRACE_SEIZE, ::getppid(), 0, 0); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }) == ENOSYS);
    CHECK(error_under(sockets, [] { return ::ioctl(0, TIOCSTI, "x"); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::chmod("/nonexistent", 0); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::utimensat(AT_FDCWD, "/nonexistent", nullptr, 0); }) == EPERM);
    CHECK(error_under(sockets, [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }) == 0);
  }
  CHECK(error_under(VmmSockets::none, socket(AF_INET)) == EAFNOSUPPORT);
  CHECK(error_under(VmmSockets::internet, socket(AF_INET)) == 0);
  auto raw = [](int protocol) {
    return [protocol] { return ::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol); };
  };
  if (skip_unless_root("vmm system calls: raw sockets are for ICMP only")) return;
  CHECK(error_under(VmmSockets::internet, raw(IPPROTO_ICMP)) == 0);
  CHECK(error_under(VmmSockets::none, raw(IPPROTO_ICMP)) == EAFNOSUPPORT);
  for (int protocol : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW})
    CHECK(error_under(VmmSockets::internet, raw(protocol)) == EPERM);
  CHECK(error_under(VmmSockets::internet, [] { return ::socket(AF_INET, SOCK_PACKET | SOCK_CLOEXEC, 0x300); }) ==
        EPERM);
}
