"""Apache Kafka as a partner: records of topics become arrivals, and messages become records of topics."""
