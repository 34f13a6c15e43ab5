"""What stands in for partners in tests and demonstrations: simulators, and how they are told to fail."""

from hub.testing.faults import FaultRule
from hub.testing.simulator import (
    Rehearsal,
    RunningSimulator,
    Simulator,
    SimulatorConfig,
    Table,
    load_simulator,
    serve,
    until_signal,
)

__all__ = [
    "FaultRule", "Rehearsal", "RunningSimulator", "Simulator", "SimulatorConfig", "Table", "load_simulator", "serve",
    "until_signal",
]  # fmt: skip
