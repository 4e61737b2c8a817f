"""What panels ask in the same way."""

from __future__ import annotations

from dashboards.panels import Panel, Query

__all__ = ["lines", "mean", "quantile", "quantiles", "rate", "stat"]


def rate(metric: str, *by: str, where: str = "") -> str:
    """Return how often something is counted, by some labels."""
    return f"sum by ({', '.join(by)}) (rate({metric}{where}[$__rate_interval]))"


def quantile(share: float, metric: str, *by: str, where: str = "") -> str:
    """Return a quantile of a histogram."""
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', 'le', *by, where=where)})"


def quantiles(metric: str, *by: str, legend: str = "", where: str = "") -> tuple[Query, ...]:
    """Return the queries of the median and of what only one in twenty exceeds."""
    return tuple(
        Query(quantile(share, metric, *by, where=where), f"{legend} {name}".strip())
        for share, name in ((0.5, "half"), (0.95, "19 of 20"))
    )


def mean(metric: str, *by: str) -> str:
    """Return the mean of a histogram."""
    return f"{rate(f'{metric}_sum', *by)} / {rate(f'{metric}_count', *by)}"


def stat(
    title: str,
    expr: str,
    unit: str = "short",
    says: str = "",
    *,
    may_be_empty: bool = False,
) -> Panel:
    """Return a panel with one number."""
    return Panel(title, (Query(expr),), unit, "stat", says, may_be_empty)


def lines(
    title: str,
    expr: str,
    legend: str = "",
    unit: str = "short",
    *,
    says: str = "",
    may_be_empty: bool = False,
) -> Panel:
    """Return a panel with a line for each series."""
    return Panel(title, (Query(expr, legend),), unit, says=says, may_be_empty=may_be_empty)
