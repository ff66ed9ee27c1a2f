"""A build that ends in the middle of its work: what was served stays, and no half edition is seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="builds are forked, which is quicker than to import all anew")
def test_a_build_that_ends_at_ten_moments_of_its_work_harms_nothing(tiny, project):
    script = Path(__file__).with_name("killed_regions.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tiny.write())],
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["ended"] >= 3, "builds are ended while they work"
    assert found["serves the last"]
    assert found["left"] == []
