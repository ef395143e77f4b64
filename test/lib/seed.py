"""The seed of a run: a state directory with a template that many stories clone. A clone costs a small part of a boot.

`seed.py DIRECTORY` makes a seed for the account that runs it. The environment variable BANGER_SEED names it afterwards.
Without a seed, or if the seed's template does not match, banger builds a template itself. So no story needs a seed."""
import os
import pathlib
import shutil
import sys

SHAPE = ("--vcpu", "1", "--memory", "512M")


def plant(state):
    """Makes a state directory that has the seed's template.

    banger never changes the files of a template, and replaces a template whose inodes have changed. So the files are
    hard links. A story that writes to them must not have a seed."""
    seed = pathlib.Path(os.environ.get("BANGER_SEED", "/none"))
    state.mkdir(mode=0o700, parents=True)
    if seed.exists() and seed.stat().st_dev == state.stat().st_dev:
        shutil.copytree(seed / "saves", state / "saves", copy_function=os.link)
        shutil.copy(seed / "banger.db", state)


def make(place):
    from harness import DATA, Banger  # harness imports this file
    b = Banger(data=DATA, state=place, config="pool_size = 0\n")
    try:
        b.ok("template", "build", *SHAPE)
    finally:
        b.destroy()  # the daemon ends, and its store is then one file


if __name__ == "__main__":
    make(pathlib.Path(sys.argv[1]))
