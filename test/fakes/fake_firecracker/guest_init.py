"""PID 1 of a stand-in guest: runs the agent, and ends when it is asked to, its button is pressed, or its VMM has gone."""
import os
import signal
import subprocess
import sys
import threading

agent, run_dir, listener, button = sys.argv[1:]


def end(*_):
    os._exit(0)


for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
    signal.signal(number, end)
subprocess.Popen([agent, "serve", "--run-dir", run_dir, "--listen-fd", listener], pass_fds=[int(listener)])
threading.Thread(target=lambda: end(os.read(int(button), 1)), daemon=True).start()
while True:
    try:
        os.wait()  # orphans too
    except ChildProcessError:
        signal.pause()
