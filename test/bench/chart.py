"""Draws a report as an SVG chart: for each figure in milliseconds, banger and the bare machine on a logarithmic axis.

The SVG is written without a library, so the chart needs no package and looks the same everywhere."""
import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 920, 300, 190, 30, 64
OURS, BARE, INK, FAINT = "#0b6e99", "#c2742d", "#222", "#ddd"


def text(x, y, words, **attributes):
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{more}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def mark(x, y, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'


def milliseconds(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def verdict(figure):
    words = f"{milliseconds(figure['banger']['p50'])} ms"
    if figure["bare"]:
        words += f" · bare {milliseconds(figure['bare']['p50'])}"
    return words + (f" · {figure['result']:.2f} ×" if figure["kind"] == "ratio" and figure["bare"] else "")


def row(figure, y, place):
    """Draws one figure: for banger and bare QEMU, a mark at the median and a line to the 90th percentile."""
    parts = [text(LEFT - 14, y + 4, figure["name"], text_anchor="end")]
    for key, colour, dy in (("bare", BARE, 5), ("banger", OURS, -5)):
        if spread := figure[key]:
            parts.append(line(place(spread["p50"]), y + dy, place(spread["p90"]), y + dy, colour, 2))
            parts.append(mark(place(spread["p50"]), y + dy, colour))
    return [*parts, text(WIDTH - RIGHT + 14, y + 4, verdict(figure))]


def legend():
    title = "Milliseconds for each step: median, with a line to the 90th percentile"
    return [text(LEFT, 24, title, font_weight="bold"),
            mark(LEFT + 5, 42, OURS), text(LEFT + 15, 46, "banger"),
            mark(LEFT + 85, 42, BARE), text(LEFT + 95, 46, "bare: the same steps in the same run")]


def svg(report):
    figures = [figure for figure in report["figures"] if figure["unit"] == "ms"]
    spreads = [figure[key] for figure in figures for key in ("banger", "bare") if figure[key]]
    values = [max(spread[p], 0.1) for spread in spreads for p in ("p50", "p90")] or [1, 10]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def place(value):
        share = (math.log10(max(value, 10**low)) - low) / max(high - low, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    bottom = TOP + ROW * len(figures)
    size = f'width="{WIDTH}" height="{bottom + 40}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 40}" {size} '
             'font-family="system-ui, sans-serif" font-size="12">', f'<rect {size} fill="#fff"/>', *legend()]
    for decade in range(low, high + 1):
        parts.append(line(place(10**decade), TOP - 8, place(10**decade), bottom, FAINT))
        parts.append(text(place(10**decade), bottom + 18, f"{10**decade:g}", text_anchor="middle"))
    for index, figure in enumerate(figures):
        parts += row(figure, TOP + ROW * (index + 0.5), place)
    return "\n".join([*parts, "</svg>"]) + "\n"
