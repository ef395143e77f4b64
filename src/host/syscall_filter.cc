// The system calls that host::filter_system_calls allows, as a classic BPF program (seccomp(2)). For amd64 only, like
// banger.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <vector>

#include "host/confine.h"

namespace banger::host {

namespace {

// Calls with a check of their arguments (clone, socket, socketpair, ioctl) follow separately below.
constexpr int kAllowed[] = {
    // files
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_open,
    SYS_openat,
    SYS_openat2,
    SYS_close,
    SYS_close_range,
    SYS_stat,
    SYS_fstat,
    SYS_lstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_statfs,
    SYS_fstatfs,
    SYS_access,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlink,
    SYS_readlinkat,
    SYS_lseek,
    SYS_getdents64,
    SYS_getcwd,
    SYS_chdir,
    SYS_fchdir,
    SYS_fcntl,
    SYS_flock,
    SYS_dup,
    SYS_dup2,
    SYS_dup3,
    SYS_pipe,
    SYS_pipe2,
    SYS_umask,
    SYS_mkdir,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_rmdir,
    SYS_unlink,
    SYS_unlinkat,
    SYS_rename,
    SYS_renameat,
    SYS_renameat2,
    SYS_chmod,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_chown,
    SYS_fchown,
    SYS_fchownat,
    SYS_fsync,
    SYS_fdatasync,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_memfd_create,
    // memory
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_brk,
    SYS_madvise,
    SYS_mincore,
    SYS_membarrier,
    // the process's own children and signals
    SYS_fork,
    SYS_vfork,
    SYS_execve,
    SYS_exit,
    SYS_exit_group,
    SYS_wait4,
    SYS_waitid,
    SYS_kill,
    SYS_tgkill,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getresuid,
    SYS_getresgid,
    SYS_getgroups,
    SYS_getpgid,
    SYS_getpgrp,
    SYS_setpgid,
    SYS_getsid,
    SYS_setsid,
    SYS_capget,
    SYS_capset,
    SYS_prctl,
    SYS_arch_prctl,
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_rseq,
    SYS_futex,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getrusage,
    SYS_getrlimit,
    SYS_prlimit64,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_restart_syscall,
    // waiting and time
    SYS_poll,
    SYS_ppoll,
    SYS_select,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_wait,
    SYS_epoll_pwait,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    SYS_inotify_rm_watch,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_time,
    SYS_times,
    SYS_alarm,
    SYS_setitimer,
    SYS_getitimer,
    SYS_pause,
    SYS_getrandom,
    SYS_sysinfo,
    SYS_uname,
    // sockets that exist already
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_recvmmsg,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_setsockopt,
    SYS_getsockopt,
};

// Calls that make a jail (mounts.h), and calls of the jailer and of Firecracker. Firecracker adds its own filter.
constexpr int kOfJails[] = {
    SYS_open_tree, SYS_move_mount,  SYS_mount_setattr, SYS_mount,           SYS_umount2,   SYS_pivot_root,
    SYS_mknod,     SYS_mknodat,     SYS_symlink,       SYS_symlinkat,       SYS_setgroups, SYS_setuid,
    SYS_setgid,    SYS_setreuid,    SYS_setregid,      SYS_setresuid,       SYS_setresgid, SYS_setrlimit,
    SYS_seccomp,   SYS_userfaultfd, SYS_tkill,         SYS_msync,           SYS_preadv2,   SYS_pwritev2,
    SYS_readahead, SYS_splice,      SYS_sendfile,      SYS_copy_file_range, SYS_link,      SYS_linkat,
};

// Calls that no VMM makes. QEMU's own filter allows them.
constexpr int kRefusedToVmms[] = {
    // other processes
    SYS_socketpair,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    // files by name, which Landlock does not refuse; times, which show that a file has changed
    SYS_truncate,
    SYS_chmod,
    SYS_fchmod,
    SYS_fchmodat,
    452,  // fchmodat2
    SYS_chown,
    SYS_fchown,
    SYS_lchown,
    SYS_fchownat,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    463,  // setxattrat
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    466,  // removexattrat
    469,  // file_setattr
    // large parts of the kernel
    SYS_unshare,
    SYS_setns,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsmount,
    SYS_mount_setattr,
    SYS_open_by_handle_at,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
};

constexpr std::uint32_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                         CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */;
constexpr std::uint32_t kFamilies[] = {AF_UNIX, AF_NETLINK, AF_INET};  // the last one for Calls::sockets only
constexpr std::uint32_t kInternet[] = {AF_INET, AF_INET6};
// Requests that type into the terminal of another user.
constexpr std::uint32_t kTerminalRequests[] = {TIOCSTI, TIOCLINUX};
constexpr std::uint32_t kX32Bit = 0x40000000;

constexpr std::uint32_t refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }
constexpr std::uint32_t kRefused = refuse(EPERM), kAllow = SECCOMP_RET_ALLOW, kKill = SECCOMP_RET_KILL_PROCESS;

class Program {
 public:
  Program() {
    load(offsetof(seccomp_data, arch));
    if_equal_skip(AUDIT_ARCH_X86_64, 1);
    give(kKill);
    load(offsetof(seccomp_data, nr));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1));
    give(kKill);
  }
  void always(int call, std::uint32_t verdict) {
    if_other_skip(number(call), 1);
    give(verdict);
  }
  /// `verdict` when the low half of argument 0 has any of `bits`, else allowed.
  void with_bits(int call, std::uint32_t bits, std::uint32_t verdict) {
    if_other_skip(number(call), 4);
    load(low_half_of(0));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    give(verdict);
    give(kAllow);
  }
  /// `verdict` when that argument is one of `values`, else `otherwise`.
  void with_values(int call, int argument, std::span<const std::uint32_t> values, std::uint32_t verdict,
                   std::uint32_t otherwise) {
    if_other_skip(number(call), static_cast<std::uint8_t>(2 + 2 * values.size()));
    load(low_half_of(argument));
    for (auto value : values) {
      if_other_skip(value, 1);
      give(verdict);
    }
    give(otherwise);
  }
  /// Refuses sockets that are neither streams nor datagrams, except raw ones of ICMP. What is left goes on to the next
  /// rule. One of the refused types makes an internet socket see all frames (packet(7), SOCK_PACKET).
  void no_raw_sockets(std::uint32_t verdict) {
    if_other_skip(number(SYS_socket), 9);
    load(low_half_of(1));
    code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~std::uint32_t{SOCK_CLOEXEC | SOCK_NONBLOCK}));
    if_equal_skip(SOCK_STREAM, 5);
    if_equal_skip(SOCK_DGRAM, 4);
    if_other_skip(SOCK_RAW, 2);
    load(low_half_of(2));
    if_equal_skip(IPPROTO_ICMP, 1);
    give(verdict);
    load(offsetof(seccomp_data, nr));
  }
  void give(std::uint32_t verdict) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, verdict)); }
  std::vector<sock_filter>& code() { return code_; }

 private:
  static std::uint32_t number(int call) { return static_cast<std::uint32_t>(call); }
  static std::uint32_t low_half_of(int argument) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                      static_cast<std::size_t>(argument) * 8);  // little endian
  }
  void load(std::size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void if_equal_skip(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void if_other_skip(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }

  std::vector<sock_filter> code_;
};

Program make_program(Calls calls) {
  Program program;
  for (int call : kAllowed) program.always(call, kAllow);
  if (calls == Calls::jails) {
    for (int call : kOfJails) program.always(call, kAllow);
    program.with_bits(SYS_unshare, kNewNamespaces & ~std::uint32_t{CLONE_NEWNS}, kRefused);
  }
  program.with_bits(SYS_clone, kNewNamespaces, kRefused);
  // The flags of clone3 are in memory, which a filter cannot read. After ENOSYS, libc uses clone.
  program.always(SYS_clone3, refuse(ENOSYS));
  auto families = std::span(kFamilies).first(calls == Calls::sockets ? 3 : 2);
  program.with_values(SYS_socket, 0, families, kAllow, refuse(EAFNOSUPPORT));
  program.with_values(SYS_socketpair, 0, std::span(kFamilies, 1), kAllow, refuse(EAFNOSUPPORT));
  program.with_values(SYS_ioctl, 1, kTerminalRequests, kRefused, kAllow);
  program.give(kRefused);
  return program;
}

}  // namespace

std::vector<sock_filter> vmm_system_calls(VmmSockets sockets) {
  Program program;
  for (int call : kRefusedToVmms) program.always(call, kRefused);
  // A kernel without these calls has the same error, so programs have another way. io_uring makes sockets, too.
  for (int call : {SYS_io_uring_setup, SYS_clone3}) program.always(call, refuse(ENOSYS));
  auto families = std::span(kInternet, sockets == VmmSockets::internet ? 2 : 0);
  program.no_raw_sockets(kRefused);  // ping needs those of ICMP, where the host allows it no other way
  program.with_values(SYS_socket, 0, families, kAllow, refuse(EAFNOSUPPORT));
  program.with_bits(SYS_clone, kNewNamespaces, kRefused);
  program.with_values(SYS_ioctl, 1, kTerminalRequests, kRefused, kAllow);
  program.give(kAllow);
  return std::move(program.code());
}

Result<> filter_system_calls(Calls calls) {
  auto program = make_program(calls);
  sock_fprog filter{static_cast<unsigned short>(program.code().size()), program.code().data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) return fail_errno("filter system calls");
  return {};
}

}  // namespace banger::host
