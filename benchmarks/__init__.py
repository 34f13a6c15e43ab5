"""The yardstick: what the hub costs, as ratios to floors measured in the same run; docs/performance.md says how."""
