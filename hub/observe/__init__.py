"""What is seen from outside: log lines, metrics, trace ids; and the masking that keeps people's data out of all of them."""
