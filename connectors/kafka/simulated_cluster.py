"""One simulated broker, librdkafka's, as a process: prints its address, and ends when its standard input does.

Not in the process of a hub or a test: librdkafka's threads open and close connections there at any time. Run as a file, so
that nothing of the hub is imported.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from confluent_kafka import Producer

    keeper = Producer({"bootstrap.servers": "simulated", "test.mock.num.brokers": 1, "log_level": 0})
    known = keeper.list_topics(sys.argv[1], timeout=30)  # makes the topic
    print(*(f"{one.host}:{one.port}" for one in known.brokers.values()), flush=True)
    sys.stdin.read()
