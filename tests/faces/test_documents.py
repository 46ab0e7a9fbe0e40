"""The examples of the services' own documents, answered as printed there, times and ids apart."""
import pytest

from golden import pair_name, read_pairs


@pytest.mark.parametrize("pair", read_pairs("documents"), ids=pair_name)
def test_example(faces, pair):
    faces.check(pair)
