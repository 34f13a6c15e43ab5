"""What is seen from outside: log lines, metrics, trace ids; and the masking that keeps people out of all of them."""
