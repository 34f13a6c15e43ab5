"""What stands in for partners in tests and demonstrations: simulators, and how they are told to fail."""

from hub.testing.faults import FaultRule
from hub.testing.simulator import RunningSimulator, Simulator, SimulatorConfig, load_simulator, serve, until_signal

__all__ = ["FaultRule", "RunningSimulator", "Simulator", "SimulatorConfig", "load_simulator", "serve", "until_signal"]
