"""Scenarios: the outcomes that losses are measured over."""

from optimizer.scenarios.historical import historical_scenarios, publish_return

__all__ = ["historical_scenarios", "publish_return"]
