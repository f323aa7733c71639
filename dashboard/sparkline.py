"""The course of a measure as a small picture, which costs a browser nothing: a chart costs it 30 ms at every change."""

from base64 import b64encode
from collections.abc import Sequence

COLOUR = "#3f86c0"  # which is seen on light and on dark
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -0.05 {last} 1.1" preserveAspectRatio="none">
<path d="M0 1L{line}L{last} 1Z" fill="{colour}" fill-opacity="0.2"/>
<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2" vector-effect="non-scaling-stroke"/>
</svg>"""


def sparkline(points: Sequence[float], alt: str) -> str:
    """HTML of a line through at least two points, from the least at the bottom to the greatest at the top.

    Args:
        points: The values, in their order.
        alt: What a screen reader says of it; none of it may come from data.
    """
    least = min(points)
    spread = (max(points) - least) or 1
    line = "L".join(f"{place} {1 - (point - least) / spread:.3f}" for place, point in enumerate(points))
    svg = b64encode(SVG.format(last=len(points) - 1, line=line, colour=COLOUR).encode()).decode()
    return f'<img alt="{alt}" src="data:image/svg+xml;base64,{svg}" style="width: 100%; height: 2.25rem">'
