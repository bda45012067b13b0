"""The API under the module names of earlier releases."""
