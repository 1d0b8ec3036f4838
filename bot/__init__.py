"""The running process: settings, receiving, sending, application, command line."""
