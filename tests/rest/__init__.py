"""The connector for any JSON partner: its table of answers, what it does in doubt, and a simulated one-stop system."""
