"""The demo's HTML report: one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from attest.bundle import write_file

from .plots import allocation_plot, frontier_plot, loss_plot
from .terminal import percent, usd

if TYPE_CHECKING:
    from .demo import Story


def render_report(story: Story) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("proofolio", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )
    environment.filters |= {"usd": usd, "percent": percent}
    limits = story.limits()
    marks = {
        "VaR": (story.risk.historical_var_fraction, limits["historical_var"]),
        "ES": (story.risk.expected_shortfall_fraction, limits["expected_shortfall"]),
    }
    return environment.get_template("report.html").render(
        story=story,
        risk=story.risk,
        compiled=story.terms.compiled,
        digests=story.terms.digests,
        sentences=story.terms.compiled.policy.sentences(),
        frontier=Markup(frontier_plot(story.frontier, story.allocation)),
        losses=Markup(loss_plot(story.losses, marks)),
        allocation=Markup(allocation_plot(story.allocation.weights())),
    )


def write_report(path: Path, story: Story) -> None:
    """Render and write the page."""
    write_file(path, render_report(story).encode(), secret=False)
