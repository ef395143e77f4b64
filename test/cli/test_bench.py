"""The parts of scripts/bench that need no guest: the comparison of figures, the chart, and the client of the link."""
import pathlib
import socket
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import chart  # noqa: E402
import link  # noqa: E402
from figures import Figure, percentile  # noqa: E402

TOKEN = b"0123456789abcdef"
OUTPUT = link.exec_frame(link.STDOUT, b"hi\n") + link.exec_frame(link.EXIT, b'{"code": 0}')


class Figures(unittest.TestCase):
    def test_percentiles_are_measured_values(self):
        values = list(range(100, 0, -1))
        self.assertEqual([percentile(values, p) for p in (50, 90, 99)], [50, 90, 99])
        self.assertEqual(percentile([7], 99), 7)

    def test_a_figure_is_judged_by_its_kind(self):
        self.assertEqual(Figure("x", [13], [10], 1.3).to_json()["result"], 1.3)
        self.assertTrue(Figure("x", [13], [10], 1.3).to_json()["within"])
        self.assertFalse(Figure("x", [14], [10], 1.3).to_json()["within"])
        self.assertEqual(Figure("x", [14], [10], 5, "more").to_json()["result"], 4)
        self.assertFalse(Figure("x", [101], [10], 100, "most").to_json()["within"])
        self.assertIsNone(Figure("x", [101]).to_json()["within"])


class Chart(unittest.TestCase):
    def test_every_figure_in_milliseconds_is_drawn_where_it_belongs(self):
        figures = [Figure("clone → <output>", [90, 100, 200], [80, 90, 95], 1.3), Figure("alone", [1000]),
                   Figure("memory", [50], [40], unit="MiB")]
        drawn = xml.etree.ElementTree.fromstring(chart.svg({"figures": [figure.to_json() for figure in figures]}))
        name = "{http://www.w3.org/2000/svg}"
        words = [text.text for text in drawn.iter(f"{name}text")]
        self.assertIn("clone → <output>", words)
        self.assertIn("100 ms · bare 90 · 1.11 ×", words)
        self.assertNotIn("memory", words)
        marks = [float(circle.get("cx")) for circle in drawn.iter(f"{name}circle")][2:]  # without those of the legend
        self.assertEqual(len(marks), 3)
        bare, ours, alone = marks
        self.assertLess(bare, ours)
        self.assertLess(ours, alone)

    def test_a_report_without_figures_gives_a_valid_chart(self):
        xml.etree.ElementTree.fromstring(chart.svg({"figures": []}))


class Agent(threading.Thread):
    """The guest's end of a link. It ignores `silent` hellos, answers the next one `answers` times, and serves one
    command. With `late`, the repeated answers come after a pause."""

    def __init__(self, path, answers=1, silent=0, late=False):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.answers, self.silent, self.late = answers, silent, late
        self.start()

    def run(self):
        peer, _ = self.listener.accept()
        with peer:
            for _ in range(self.silent):
                peer.recv(32)
            hello = peer.recv(32)
            peer.sendall(b"noise before the session" + hello)
            if self.late:
                threading.Event().wait(0.05)
            peer.sendall(hello * (self.answers - 1))
            request = b""
            while b"hi" not in request:
                request += peer.recv(65536)
            body = link.http_frame(link.HEADERS, 4, 1, b"\x88") + link.http_frame(link.DATA, 0, 1, OUTPUT[:4])
            peer.sendall(link.http_frame(link.SETTINGS, 0, 0) + body + link.http_frame(link.DATA, 1, 1, OUTPUT[4:]))
            peer.recv(65536)


class LinkClient(unittest.TestCase):
    def run_against(self, **behaviour):
        with tempfile.TemporaryDirectory() as place:
            agent = Agent(place + "/link", **behaviour)
            session = link.Link(place + "/link", TOKEN, timeout=180)
            self.addCleanup(session.close)
            out, first = session.run(["echo", "hi"])
            agent.listener.close()
        self.assertEqual(out, b"hi\n")
        self.assertIsNotNone(first)

    def test_a_command_runs(self):
        self.run_against()

    def test_a_hello_without_an_answer_is_sent_again(self):
        self.run_against(silent=2)

    def test_answers_to_repeated_hellos_are_removed_from_the_session(self):
        self.run_against(answers=3)
        self.run_against(answers=3, late=True)


if __name__ == "__main__":
    unittest.main()
