"""The report's plots: efficient frontier, loss distribution, allocation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from optimizer.allocate import Allocation, FrontierPoint

INK, ACCENT, WARNING, PALE = "#1f2933", "#0b6e99", "#c0392b", "#b8c4ce"


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def frontier_plot(points: Sequence[FrontierPoint], chosen: Allocation) -> str:
    """Expected return over expected shortfall, with the chosen allocation. Returns: SVG."""
    figure, axes = _figure("Efficient frontier under the policy")
    axes.plot(
        [p.expected_shortfall for p in points],
        [p.expected_return_annual for p in points],
        color=ACCENT,
        marker="o",
        markersize=4,
        label="lowest shortfall for each return",
    )
    axes.scatter(
        [chosen.expected_shortfall],
        [chosen.expected_return_annual],
        color=WARNING,
        zorder=3,
        s=60,
        label=f"chosen: {chosen.objective}",
    )
    axes.set_xlabel(f"one-day expected shortfall at {chosen.shortfall_confidence:.1%}, of NAV")
    axes.set_ylabel("expected return a year")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(frameon=False, loc="lower right")
    return _svg(figure)


def loss_plot(losses: Sequence[float], marks: Mapping[str, tuple[float, float]]) -> str:
    """Histogram of one-day losses as fractions of NAV.

    Args:
        losses: (S,) gains negative.
        marks: measure → (value, limit), both fractions of NAV.
    Returns: SVG.
    """
    figure, axes = _figure("One-day losses in the scenarios")
    axes.hist(losses, bins=50, color=PALE)
    for (name, (value, limit)), colour in zip(marks.items(), (ACCENT, WARNING), strict=False):
        axes.axvline(value, color=colour, label=f"{name} {value:.2%}")
        axes.axvline(limit, color=colour, linestyle="--", label=f"limit of {name} {limit:.2%}")
    axes.set_xlabel("loss, of NAV (gains are negative)")
    axes.set_ylabel("scenarios")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def allocation_plot(weights: Mapping[str, float]) -> str:
    """Positions as fractions of NAV, debts to the left. Returns: SVG."""
    figure, axes = _figure("Allocation, of NAV")
    held = {name: weight for name, weight in weights.items() if abs(weight) >= 0.0005}
    names = list(held)[::-1]
    values = [held[name] for name in names]
    bars = axes.barh(names, values, color=[ACCENT if value >= 0 else WARNING for value in values])
    axes.bar_label(bars, labels=[f"{value:.1%}" for value in values], padding=4, fontsize=8)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.margins(x=0.15)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return _svg(figure)
