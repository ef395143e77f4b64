"""What a story says about itself: as whom it is run, and whether it is one of the long ones. Decorators for cases and
classes.

Without a mark a story is run once, as an ordinary user. `scripts/test --long` runs all stories, also as root."""
import os
import unittest

LONG = os.environ.get("BANGER_LONG") == "1"
ROOT, USER = "root", "user"


def _mark(**values):
    def decorate(story):
        for name, value in values.items():
            setattr(story, name, value)
        return story
    return decorate


def for_root(story):
    """It makes what only root can: mounts, namespaces, a root helper."""
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(_mark(accounts=[ROOT], short_run=[ROOT])(story))


def for_users(story):
    """It is about what an ordinary user may not do."""
    mark = _mark(accounts=[USER], short_run=[USER])
    return unittest.skipIf(os.geteuid() == 0, "needs a user who is not root")(mark(story))


# Root's daemon may well do it in another way: it needs no helper. So the short run has both.
for_both = _mark(short_run=[ROOT, USER])
# As root only in a short run: another story, much like it, is run as an ordinary user.
as_root = _mark(short_run=[ROOT])
# The short run has another story of this kind.
long = _mark(short_run=[])


def of(kind, method):
    """A case's own marks, else those of its class: who can run it, and who runs it in a short run."""
    def mark(name, default):
        return getattr(method, name, getattr(kind, name, default))
    return {"accounts": mark("accounts", [ROOT, USER]), "short_run": mark("short_run", [USER])}


def stride(step):
    """Of things that can only be counted one by one: every third of those that a long run tries."""
    return step if LONG else 3 * step


def sample(things, count):
    """All of them in a long run, else so many, spread over the whole."""
    things = list(things)
    if LONG or count >= len(things):
        return things
    return [things[round(number * (len(things) - 1) / max(1, count - 1))] for number in range(count)]
