"""What cells use of IPython where it is not installed: IPython.display, for the kernel of Codecell."""
from . import display

version_info = (8, 0, 0, "")
__version__ = "8.0.0"


def get_ipython():
    """There is no shell of IPython."""
    return None
