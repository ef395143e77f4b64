"""Guests that use the proxy of their host, with real guests of an owner without rights."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import client_hello  # noqa: E402
import egress  # noqa: E402
import http_proxy  # noqa: E402
from egress import HOST_PUBLIC, LAN, METADATA, SECRET_PORT, WEB  # noqa: E402
from harness import wait_until  # noqa: E402
from internet import ECHO_PORT, WEB_PORT  # noqa: E402
from test_private_network import PrivateCase  # noqa: E402

PROXY_PORT = 3129
LOGIN = "me:s3cr3t-of-the-host"
NAMES = ("http_proxy", "https_proxy", "no_proxy")
NAMES += tuple(name.upper() for name in NAMES)


def connect(target):
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


class ProxyCase(egress.OnTheInternet, PrivateCase):
    """The host has a proxy on its loopback address, and the daemon has the variables for it."""

    @classmethod
    def make_banger(cls):
        banger = super().make_banger()
        cls.proxy = http_proxy.Proxy(cls.net, "127.0.0.1", PROXY_PORT, cls.place / "proxy.log", LOGIN)
        cls.addClassCleanup(cls.proxy.end)
        banger.env |= {"HTTPS_PROXY": cls.proxy.url, "HTTP_PROXY": cls.proxy.url, "NO_PROXY": "direct.example"}
        return banger

    def variables(self, vm):
        lines = self.guest(vm, "env").stdout.splitlines()
        return {name: value for name, value in (line.split("=", 1) for line in lines) if name in NAMES}

    def relay(self, vm):
        """Returns where the guest finds the proxy."""
        return self.variables(vm)["http_proxy"].removeprefix("http://").split(":")

    def ask(self, vm, *pieces):
        """Returns what the guest's proxy answers to these pieces of bytes."""
        return self.talk(vm, *self.relay(vm), *pieces)


class HostProxy(ProxyCase):
    config = PrivateCase.config + 'proxy = "host"\n'

    def test_programs_in_a_guest_use_it_and_do_not_learn_its_password(self):
        self.make("one")
        variables = self.variables("one")
        self.assertEqual(set(variables), set(NAMES))
        address, port = self.relay("one")
        self.assertEqual(port, "3128")
        self.assertTrue(variables["NO_PROXY"].startswith("direct.example,localhost,"), variables)
        page = self.guest("one", "wget", "-qO-", "http://web.example/page")
        self.assertEqual(page.stdout, "host web.example/page\n", page.stderr)
        head = self.proxy.heads()[-1]
        self.assertEqual(head[0], "GET http://web.example/page HTTP/1.1")
        echo = self.ask("one", connect(f"echo.example:{ECHO_PORT}"), b"hello and bye\n")
        self.assertTrue(echo.startswith("HTTP/1.1 200 ") and echo.endswith("\r\n\r\nhello and bye\n"), echo)
        self.assertEqual(self.proxy.targets()[-1], f"echo.example:{ECHO_PORT}")
        everything = self.guest("one", "sh", "-c", "env; set; cat /proc/*/environ; grep -r s3cr3t /etc /root")
        self.assertNotIn("s3cr3t", everything.stdout)
        checks = {check["name"]: check for check in self.b.json("doctor")}
        self.assertIn(f"http://127.0.0.1:{PROXY_PORT}", checks["proxy"]["detail"])
        self.assertNotIn("s3cr3t", checks["proxy"]["detail"])
        # Another daemon serves the guests of the first one.
        self.b.kill_daemon()
        self.b.ok("vm", "list")
        wait_until(lambda: self.guest("one", "wget", "-qO-", "http://web.example/").returncode == 0, "the new relay")

    def test_it_is_no_way_to_the_host_nor_into_closed_networks(self):
        self.make("one")
        before = len(self.proxy.heads())
        for target in (f"127.0.0.1:{SECRET_PORT}", f"localhost:{SECRET_PORT}", f"{HOST_PUBLIC}:{SECRET_PORT}",
                       f"0x7f000001:{SECRET_PORT}", f"[::1]:{SECRET_PORT}", f"{LAN}:{WEB_PORT}",
                       f"{METADATA}:{WEB_PORT}"):
            self.assertIn("HTTP/1.1 403 ", self.ask("one", connect(target)), target)
        request = egress.request(f"127.0.0.1:{SECRET_PORT}", target=f"http://127.0.0.1:{SECRET_PORT}/")
        self.assertIn("HTTP/1.1 403 ", self.ask("one", request))
        self.assertEqual(len(self.proxy.heads()), before)
        # An address of the internet is none of these.
        self.assertIn("HTTP/1.1 200 ", self.ask("one", connect(f"{WEB}:{WEB_PORT}")))

    def test_it_is_no_way_round_an_egress_policy(self):
        self.make("one", "--allow", "web.example", "--allow", f"echo.example:{ECHO_PORT}")
        page = self.guest("one", "wget", "-qO-", "http://web.example/page")
        self.assertEqual(page.stdout, "host web.example/page\n", page.stderr)
        echo = self.ask("one", connect(f"echo.example:{ECHO_PORT}"), b"hello and bye\n")
        self.assertTrue(echo.endswith("\r\n\r\nhello and bye\n"), echo)
        answer = self.ask("one", connect("web.example:443"), client_hello.make("web.example"))
        self.assertIn("sni web.example\n", answer)
        before = len(self.proxy.heads())
        for asked in (connect(f"other.example:{WEB_PORT}"), connect(f"{WEB}:{WEB_PORT}"),
                      connect(f"127.0.0.1:{SECRET_PORT}"), egress.request("other.example", "http://other.example/")):
            self.assertIn("HTTP/1.1 403 ", self.ask("one", asked), asked)
        self.assertEqual(len(self.proxy.heads()), before)
        self.internet.seen.clear()
        self.ask("one", connect("web.example:443"), client_hello.make("other.example"))
        self.assertEqual(self.internet.texts("sni"), [])
        self.assertTrue(self.logged("one", "name_not_allowed", name="other.example", address="", port=443))
        self.b.ok("vm", "set", "one", "--clear-allow", "--egress", "open")
        self.assertIn("HTTP/1.1 200 ", self.ask("one", connect(f"other.example:{WEB_PORT}")))

    def test_a_guest_without_a_way_out_has_none(self):
        self.make("inside", "--no-nat")
        self.assertEqual(self.variables("inside"), {})
        self.make("own", "--env", "HTTP_PROXY=http://other.example:1")
        self.assertEqual(self.variables("own")["HTTP_PROXY"], "http://other.example:1")


class WithoutIt(ProxyCase):
    def test_guests_use_no_proxy_unless_the_config_says_so(self):
        self.make("one")
        self.assertEqual(self.variables("one"), {})
        self.assertTrue(self.web("one", "web.example"))
        self.assertEqual(self.proxy.heads(), [])
        self.assertNotIn("proxy", {check["name"] for check in self.b.json("doctor")})


if __name__ == "__main__":
    unittest.main()
