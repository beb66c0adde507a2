"""A line chart as SVG text: two or three curves and a limit need no plotting library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_COLOURS = ("#1f6feb", "#b35900", "#2da44e")
_TICKS = 5


@dataclass(frozen=True)
class Curve:
    title: str
    points: Sequence[tuple[float, float]]


def curves(lines: Sequence[Curve], *, title: str, x: str, y: str, limit: float) -> str:
    """Return the chart; values above 2.5 times `limit` are drawn at its upper edge."""
    top = limit * 2.5
    right = max((px for line in lines for px, _ in line.points), default=1.0)
    at = _Scale(right, top)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="26" font-size="16">{escape(title)}</text>',
        *_axes(at, right, top, x, y),
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at.y(limit):.1f}" y2="{at.y(limit):.1f}"'
        ' stroke="#888" stroke-dasharray="5 4"/>',
    ]
    for number, line in enumerate(lines):
        parts += _curve(line, at, _COLOURS[number % len(_COLOURS)], number)
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True)
class _Scale:
    right: float
    top: float

    def x(self, value: float) -> float:
        return _LEFT + value / self.right * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = min(max(value, 0.0), self.top) / self.top
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _axes(at: _Scale, right: float, top: float, x: str, y: str) -> list[str]:
    parts = []
    for tick in range(_TICKS + 1):
        across, up = right * tick / _TICKS, top * tick / _TICKS
        parts += [
            f'<text x="{at.x(across):.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
            f"{across:.0f}</text>",
            f'<text x="{_LEFT - 8}" y="{at.y(up) + 4:.1f}" text-anchor="end">{up:.2f}</text>',
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at.y(up):.1f}" y2="{at.y(up):.1f}"'
            ' stroke="#eee"/>',
        ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [
        *parts,
        f'<text x="{middle}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(x)}</text>',
        f'<text x="16" y="{_HEIGHT / 2}" text-anchor="middle"'
        f' transform="rotate(-90 16 {_HEIGHT / 2})">{escape(y)}</text>',
    ]


def _curve(line: Curve, at: _Scale, colour: str, number: int) -> list[str]:
    places = [(at.x(px), at.y(py)) for px, py in line.points]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    down = _TOP + 16 + 18 * number
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>' for px, py in places),
        f'<text x="{_LEFT + 14}" y="{down}" fill="{colour}">{escape(line.title)}</text>',
    ]
