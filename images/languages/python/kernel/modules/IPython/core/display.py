"""The older name of IPython.display."""
from IPython.display import *
