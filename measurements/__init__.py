"""Runs inside every framework's interpreter: standard library and NumPy, Python 3.6 syntax."""
