"""PID 1 of a stand-in guest. It prepares its root directory and runs the agent there.

It ends on a reboot request, when its button is pressed, or when its VMM has ended. On a power-off request it only
halts, because Firecracker cannot power off a guest."""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading

root, name, listener, button, halt_writer = sys.argv[1:]
LIBC = ctypes.CDLL(None, use_errno=True)
POWER_OFF = (signal.SIGUSR2, signal.SIGRTMIN + 4)  # the power-off signals of busybox and systemd
# A guest must not set the clock of this host. clock_settime, settimeofday, adjtimex and clock_adjtime do nothing and
# return success.
CLOCK_CALLS = (227, 164, 159, 305)
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, NOTHING = 0x7FFF0000, 0x00050000


class Step(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("steps", ctypes.POINTER(Step))]


def block_clock_calls():
    if os.uname().machine != "x86_64":
        sys.exit("guest_init.py knows only the system call numbers of x86_64")
    count = len(CLOCK_CALLS)
    steps = [Step(LOAD, 0, 0, 0), *(Step(JUMP_EQUAL, count - i, 0, call) for i, call in enumerate(CLOCK_CALLS)),
             Step(RETURN, 0, 0, ALLOW), Step(RETURN, 0, 0, NOTHING)]
    array = (Step * len(steps))(*steps)
    if LIBC.prctl(22, 2, ctypes.byref(Program(len(steps), array)), 0, 0) != 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def enter_root():
    socket.sethostname(name)
    mount("--bind", f"{root}/root", f"{root}/root")  # in a real guest the work disk is mounted here
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("-t", "tmpfs", "dev", f"{root}/dev")
    for node in ("null", "zero", "full", "random", "urandom", "tty"):
        open(f"{root}/dev/{node}", "w").close()
        mount("--bind", f"/dev/{node}", f"{root}/dev/{node}")
    os.mkdir(f"{root}/dev/pts")
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", f"{root}/dev/pts")
    os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    os.mkfifo(f"{root}/dev/ttyS0", 0o666)
    os.chroot(root)
    os.chdir("/")


def end(*_):
    os._exit(0)


def halt(*_):
    os.write(int(halt_writer), b"!")
    os.kill(-1, signal.SIGKILL)
    os.write(1, b"[   12.345678] reboot: System halted\r\n")
    while True:
        signal.pause()


def wait_for_button():
    end(os.read(int(button), 1))


def print_serial():
    port = os.open("/dev/ttyS0", os.O_RDWR)  # with a writer of its own, reading this FIFO never reaches the end
    while True:
        os.write(1, os.read(port, 65536))


block_clock_calls()
enter_root()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, end)
for number in POWER_OFF:
    signal.signal(number, halt)
for job in (wait_for_button, print_serial):
    threading.Thread(target=job, daemon=True).start()
subprocess.Popen(["/bin/banger-agent", "serve", "--run-dir", "/run/banger", "--listen-fd", listener],
                 pass_fds=[int(listener)])
os.close(int(listener))
while True:
    try:
        os.wait()  # reaps orphans, too
    except ChildProcessError:
        signal.pause()
