"""What stands in for the outside world in tests and demonstrations: simulators of partners, and how they are told to fail."""

from hub.testing.faults import FaultRule
from hub.testing.simulator import RunningSimulator, Simulator, SimulatorConfig, load_simulator, serve

__all__ = ["FaultRule", "RunningSimulator", "Simulator", "SimulatorConfig", "load_simulator", "serve"]
