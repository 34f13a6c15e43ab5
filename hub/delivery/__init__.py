"""Delivery: claims what is due, calls the connector, and decides what the answer means for the message and the endpoint."""
