#!/usr/bin/env python3
"""Chapter 05: where_to_listen, which address reaches which listener.

Run: TRAMA_BUILD=build python3 tests/examples/test_05_where_to_listen.py
"""
import re
import subprocess
import unittest

import programs

WHERE = "05_where_to_listen/where_to_listen"
WITHOUT_IPV6 = ("ip link set lo up && echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && "
                "exec \"$0\" \"$@\"")


def works(*command):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.run(command, **quiet).returncode == 0


# Root may make a network namespace as it is, others inside a user namespace, where that is allowed.
NAMESPACE = next((flags for flags in ("-n", "-rn")
                  if works("unshare", flags, "sh", "-c", WITHOUT_IPV6, "true")), None)


def rows(program):
    """The table as {address: [cells]}; the destinations stand at "is reached at"."""
    lines = program.stdout.splitlines()
    table = {"is reached at": lines[1].split()}
    for line in lines[2:]:
        address, *cells = re.split(r"  +", line)
        table[address.split(" (")[0]] = cells
    return table


class Table(programs.TestCase):
    def test_ipv4_addresses_are_reached_over_ipv4_only(self):
        table = rows(self.run_to_end(WHERE))
        for address in ("localhost", "127.0.0.1", "0.0.0.0"):
            self.assertEqual(table[address][:2], ["yes", "no"], address)

    @unittest.skipUnless(programs.has_ipv6(), "this machine has no IPv6")
    def test_ipv6_addresses_are_reached_over_ipv6_only_and_a_star_over_both(self):
        table = rows(self.run_to_end(WHERE))
        self.assertEqual(table["::1"][:2], ["no", "yes"])
        self.assertEqual(table["::"][:2], ["no", "yes"])
        self.assertEqual(table["*"][:2], ["yes", "yes"])

    def test_what_listens_at_loopback_is_not_reached_at_the_address_for_others(self):
        table = rows(self.run_to_end(WHERE))
        destinations = table.pop("is reached at")
        if len(destinations) == 2:
            self.skipTest("this machine has loopback addresses only")
        self.assertEqual(table["127.0.0.1"][2], "no")
        self.assertEqual(table["localhost"][2], "no")
        self.assertEqual(table[destinations[2]], ["no", "no", "yes"])
        self.assertEqual(table["::" if ":" in destinations[2] else "0.0.0.0"][2], "yes")

    def test_addresses_can_be_chosen(self):
        table = rows(self.run_to_end(WHERE, "127.0.0.2", "127.0.0.1"))
        self.assertEqual(list(table), ["is reached at", "127.0.0.2", "127.0.0.1"])
        self.assertEqual(table["127.0.0.2"][0], "no")

    def test_an_address_that_is_not_ours_has_a_row_that_says_so(self):
        program = self.run_to_end(WHERE, "192.0.2.77", "127.0.0.1")
        self.assertEqual(program.code, 0)
        self.assertRegex(rows(program)["192.0.2.77"][0], "^cannot listen there: ")

    def test_a_name_without_an_address_has_a_row_and_exit_code_1(self):
        program = self.run_to_end(WHERE, "nosuch.invalid", "127.0.0.1")
        self.assertEqual(program.code, 1, program.story("one name could not be tried"))
        self.assertEqual(rows(program)["nosuch.invalid"],
                         ["no such name, or the name server does not answer"])
        self.assertEqual(rows(program)["127.0.0.1"][:2], ["yes", "no"])

    def test_each_cell_stands_under_its_destination(self):
        header, row = self.run_to_end(WHERE, "0.0.0.0").stdout.splitlines()[1:3]
        self.assertEqual((row.index("yes"), row.index("no")),
                         (header.index("127.0.0.1"), header.index("::1")))

    def test_no_line_ends_in_spaces(self):
        for line in self.run_to_end(WHERE).stdout.splitlines():
            self.assertEqual(line, line.rstrip())

    @unittest.skipUnless(NAMESPACE, "no network namespace with a /proc can be made here")
    def test_a_machine_without_ipv6_and_without_other_addresses_says_so(self):
        program = self.run_to_end("/usr/bin/unshare", NAMESPACE, "sh", "-c", WITHOUT_IPV6,
                                  programs.example(WHERE))
        self.assertEqual(program.code, 0, program.stderr)
        self.assertEqual(program.stderr.splitlines(),
                         ["This machine has no IPv6.",
                          "This machine has loopback addresses only: other machines cannot "
                          "reach it."])
        table = rows(program)
        self.assertRegex(table["::1"][0], "^cannot listen there: ")
        self.assertEqual(table["*"], ["yes", "no"])


class Manners(programs.TestCase):
    def test_verbose_says_why_a_call_failed(self):
        program = self.run_to_end(WHERE, "-v", "127.0.0.2")
        self.assertRegex(program.stderr, r"connect to 127\.0\.0\.1:\d+: Connection refused")
        self.assertNotIn("refused", program.stdout)

    def test_quiet_prints_the_table_only(self):
        program = self.run_to_end(WHERE, "-q")
        self.assertEqual(program.stderr, "")
        self.assertIn("127.0.0.1", program.stdout)

    def test_help_shows_the_examples_first(self):
        self.assert_help(WHERE)

    def test_an_unknown_flag_is_a_usage_error(self):
        self.assert_usage_error(WHERE, "--port", "80", says="--help")


if __name__ == "__main__":
    unittest.main()
