"""Post-deployment verification with pytest.

Importing this package imports nothing else: the plugin is loaded in every pytest run of an environment it is
installed in, and must cost nothing where it is not used.
"""

__version__ = "0.1.0"
