"""A report as an SVG chart: for each figure in milliseconds, where banger and the bare machine are on a logarithmic axis.
Written by hand, so that it needs nothing and looks the same everywhere."""
import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 920, 300, 190, 30, 64
OURS, BARE, INK, FAINT = "#0b6e99", "#c2742d", "#222", "#ddd"


def axis(values):
    """Whole decades around the values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def text(x, y, words, anchor="start", colour=INK, weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">{escape(words)}</text>'


def milliseconds(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def verdict(figure):
    words = f"{milliseconds(figure['banger']['p50'])} ms"
    if figure["bare"]:
        words += f" · bare {milliseconds(figure['bare']['p50'])}"
    return words + (f" · {figure['result']:.2f} ×" if figure["kind"] == "ratio" and figure["bare"] else "")


def row(figure, y, place):
    """A line from the median to the 90th percentile, and a mark at the median, of each."""
    parts = [text(LEFT - 14, y + 4, figure["name"], "end")]
    for key, colour, dy in (("bare", BARE, 5), ("banger", OURS, -5)):
        spread = figure[key]
        if not spread:
            continue
        x, far = place(spread["p50"]), place(spread["p90"])
        parts.append(f'<line x1="{x:.1f}" y1="{y + dy}" x2="{far:.1f}" y2="{y + dy}" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y + dy}" r="4.5" fill="{colour}"/>')
    parts.append(text(WIDTH - RIGHT + 14, y + 4, verdict(figure)))
    return "\n".join(parts)


def svg(report):
    figures = [figure for figure in report["figures"] if figure["unit"] == "ms"]
    values = [figure[key]["p50"] for figure in figures for key in ("banger", "bare") if figure[key]]
    values += [figure[key]["p90"] for figure in figures for key in ("banger", "bare") if figure[key]]
    low, high = axis([max(value, 0.1) for value in values] or [1, 10])

    def place(value):
        share = (math.log10(max(value, 10**low)) - low) / max(high - low, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    height = TOP + ROW * len(figures) + 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             'font-family="system-ui, sans-serif" font-size="12">', f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
             text(LEFT, 24, "Milliseconds until it is done: median, and line to the 90th percentile", weight="bold"),
             f'<circle cx="{LEFT + 5}" cy="42" r="4.5" fill="{OURS}"/>', text(LEFT + 15, 46, "banger"),
             f'<circle cx="{LEFT + 85}" cy="42" r="4.5" fill="{BARE}"/>', text(LEFT + 95, 46, "bare, the same steps in the same run")]
    bottom = TOP + ROW * len(figures)
    for decade in range(low, high + 1):
        x = place(10**decade)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="{FAINT}"/>')
        parts.append(text(x, bottom + 18, f"{10**decade:g}", "middle"))
    parts += [row(figure, TOP + ROW * index + ROW / 2, place) for index, figure in enumerate(figures)]
    return "\n".join([*parts, "</svg>"]) + "\n"
