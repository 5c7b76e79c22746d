#!/usr/bin/env python3
""".github/workflows/ci.yml is valid, and runs the commands of the README and the quick matrix.

Run: python3 tests/docs/test_workflow.py      (the first class needs python3-yaml)
"""

import re
import textwrap
import unittest
from pathlib import Path

try:
    import yaml
except ImportError:
    yaml = None

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / ".github/workflows/ci.yml").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
README = [block for block in BLOCKS if "cmake -S" in block]
MATRIX = "python3 tests/matrix.py --quick\n"


def without_apt(command):
    return re.sub(r"\$\(command -v sudo\) apt-get [^&]*&&\s", "", command)


@unittest.skipIf(yaml is None, "python3-yaml is not installed")
class Form(unittest.TestCase):
    def setUp(self):
        self.jobs = yaml.safe_load(TEXT)["jobs"]

    def test_there_is_a_job_for_linux_and_one_for_macos_with_a_time_limit_each(self):
        self.assertEqual(list(self.jobs), ["linux", "macos"])
        for job in self.jobs.values():
            self.assertLessEqual(job["timeout-minutes"], 60)

    def test_each_step_is_a_command_with_a_name_or_the_checkout(self):
        for job in self.jobs.values():
            for number, step in enumerate(job["steps"]):
                keys = {"uses"} if number == 0 else {"name", "run"}
                self.assertEqual(set(step), keys)
            self.assertRegex(job["steps"][0]["uses"], r"^actions/checkout@v\d+$")


class Commands(unittest.TestCase):
    """Read without a YAML library: each `run: |` and the deeper lines below it."""

    def setUp(self):
        jobs = TEXT.split("  macos:\n")
        self.linux, self.macos = [[textwrap.dedent(lines) for lines in
                                   re.findall(r" run: \|\n((?: {10}.*\n)+)", job)] for job in jobs]

    def test_linux_runs_the_two_commands_of_the_readme_and_the_quick_matrix(self):
        self.assertEqual(len(README), 2)
        self.assertEqual(self.linux[:2], README)
        self.assertTrue(self.linux[2].endswith(MATRIX))

    def test_macos_runs_the_same_without_apt(self):
        self.assertTrue(self.macos[0].startswith("brew install "))
        self.assertEqual(self.macos[1:], [*map(without_apt, README), MATRIX])
        self.assertNotIn("apt-get", "".join(self.macos))


if __name__ == "__main__":
    unittest.main()
