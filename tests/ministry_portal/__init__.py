"""The connector of a ministry's portal."""
