"""Decorators for test cases and classes. They say which account runs a story, and whether a short run includes it.

A story without a mark runs once, as an ordinary user. `scripts/test --long` runs every story as root and as a user."""
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
    """Marks a story that needs root, for example for mounts, namespaces or a root helper."""
    return unittest.skipUnless(os.geteuid() == 0, "needs root")(_mark(accounts=[ROOT], short_run=[ROOT])(story))


def for_users(story):
    """Marks a story about the limits of an ordinary user."""
    mark = _mark(accounts=[USER], short_run=[USER])
    return unittest.skipIf(os.geteuid() == 0, "needs a user who is not root")(mark(story))


# Root's daemon needs no helper, so it may take another path through the code. A short run therefore runs both accounts.
for_both = _mark(short_run=[ROOT, USER])
# A short run runs this story only as root, because a similar story runs as an ordinary user.
as_root = _mark(short_run=[ROOT])
# A short run leaves this story out, because it includes a similar one.
long = _mark(short_run=[])


def of(test_class, method):
    """Returns the accounts that can run a case, and those that run it in a short run.

    Marks of the method win over marks of the class."""
    def mark(name, default):
        return getattr(method, name, getattr(test_class, name, default))
    return {"accounts": mark("accounts", [ROOT, USER]), "short_run": mark("short_run", [USER])}


def stride(step):
    """Returns the step for a loop over numbered events, for example commits. A short run tries only every third one."""
    return step if LONG else 3 * step


def sample(things, count):
    """Returns all things in a long run. In a short run, returns `count` of them, spread evenly."""
    things = list(things)
    if LONG or count >= len(things):
        return things
    return [things[round(number * (len(things) - 1) / max(1, count - 1))] for number in range(count)]
