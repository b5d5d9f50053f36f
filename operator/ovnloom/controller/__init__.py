"""The program that makes the northbound database follow the API server."""
