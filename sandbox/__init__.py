"""Telegram on this machine, for the demo and the tests. Imports nothing of the other rooms."""
