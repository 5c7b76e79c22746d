#!/usr/bin/env python3
"""Programs at a terminal. Where CTest shows this file as skipped, other files skip such tests too.

Run: python3 tests/examples/test_terminals.py
"""
import signal

import programs

SH = "/bin/sh"
CAT = "/bin/cat"


class Terminal(programs.TestCase):
    def test_all_streams_can_be_one_terminal_and_ctrl_c_is_typed_there(self):
        program = self.start(CAT, terminal=programs.Program.STREAMS)
        program.send_line("hola")
        program.wait_for_text("hola\r\nhola\r\n")
        program.send("\x03")
        self.assertEqual(program.wait_exit(), -signal.SIGINT)

    def test_stderr_alone_can_be_a_terminal(self):
        look = "for fd in 0 1 2; do test -t $fd && echo $fd >&2; done; echo data"
        program = self.run_to_end(SH, "-c", look, terminal=["stderr"])
        self.assertEqual((program.stdout, program.stderr), ("data\n", "2\r\n"))


if __name__ == "__main__":
    programs.main(programs.need_pty)
