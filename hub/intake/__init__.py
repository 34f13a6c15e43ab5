"""The hub's front doors: who may send, what a message must look like to come in, and what is kept of it."""
