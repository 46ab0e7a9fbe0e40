"""Piston v2: golden pairs."""
import pytest

from golden import pair_name, read_pairs


@pytest.mark.parametrize("pair", read_pairs("piston"), ids=pair_name)
def test_pair(faces, pair):
    faces.check(pair)
