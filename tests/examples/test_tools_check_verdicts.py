#!/usr/bin/env python3
"""What examples/tools/check says of the programs of the course, and of those of the labs."""
import sys
import unittest

import programs
from check_programs import HERE, CheckCase, one_line

SERVER = "-q -H 127.0.0.1 -p {port}"
CLIENT = "-q -H {host} -p {port}"

# The exercise, and the program of the course with its words. A word of check may follow.
SERVERS = [
    ("echo-server", "03_echo_server/echo_server", SERVER),
    ("echo-server", "03_echo_server/first_echo_server", "{port}", "--skip", "dot"),
    ("turns-server", "03_echo_server/echo_server", SERVER),
    ("turns-server", "03_echo_server/first_echo_server", "{port}"),
    ("short-visit-server", "04_short_visits/short_visit_server", SERVER + " --idle 1", "--idle",
     "1"),
    ("short-visit-server", "04_short_visits/first_short_visits", "{port}"),
    ("framed-server", "08_frames/framed_echo_server", SERVER),
    ("framed-server", "08_frames/first_framed_server", "{port}"),
    ("framed-server", "12_select/framed_echo_server", SERVER),
    ("select-server", "12_select/select_echo_server", SERVER),
    ("select-server", "12_select/select_echo_server", SERVER + " --backend epoll"),
    ("select-server", "12_select/first_select_server", "{port}"),
    ("select-server", "11_threads/thread_echo_server", SERVER),
    ("select-server", "11_threads/fork_echo_server", SERVER),
    ("idle-server", "13_idle_clients/idle_echo_server", SERVER + " --idle 1", "--idle", "1"),
    ("idle-server", "13_idle_clients/first_idle_server", "{port}"),
    ("chat-lines", "14_group_chat/chat_server", SERVER + " --lines"),
    # It says in its first lines that it has no names.
    ("chat-lines", "14_group_chat/first_chat_server", "{port}", "--skip", "entered,prefix,offline"),
    ("chat-framed", "14_group_chat/chat_server", SERVER),
    ("copy-lines-server", "15_remote_copy/copy_lines_server", SERVER + " {file}"),
    ("copy-frame-server", "15_remote_copy/copy_frame_server", SERVER + " {file}"),
    ("store-server", "16_file_store/start-server", SERVER + " -s {dir}"),
    ("hftp-server", "17_hftp/hftp_server", "-q -a 127.0.0.1 -p {port} -d {dir}"),
    ("collector-server", "18_collector/collector_server", SERVER + " -d {dir}"),
]
CLIENTS = [
    ("echo-client", "02_echo_client/echo_client", CLIENT),
    ("echo-client", "02_echo_client/first_echo_client", "{host} {port}"),
    ("two-sends", "07_no_messages/two_sends", CLIENT),
    ("framed-client", "08_frames/framed_echo_client", CLIENT),
    ("framed-client", "08_frames/first_framed_client", "{host} {port}"),
    ("web-client", "01_web_client/web_client", "-q -p {port} {host} /"),
    ("web-client", "01_web_client/first_web_client", "{host} {port}"),
    ("copy-lines-client", "15_remote_copy/copy_lines_client", CLIENT + " {file}"),
    ("copy-frame-client", "15_remote_copy/copy_frame_client", CLIENT + " {file}"),
    ("store-upload", "16_file_store/upload-file", CLIENT + " -s {file} -n nota.txt"),
    ("store-download", "16_file_store/download-file", CLIENT + " -d {file} -n nota.txt"),
    ("store-list", "16_file_store/list-files", "-H {host} -p {port}"),
    ("collector-client", "18_collector/collector_client", CLIENT + " -d {dir}"),
]


class Right(CheckCase):
    def test_each_server_of_the_course_passes_its_exercise(self):
        def body(exercise, path, words, *more):
            self.assert_passes(exercise, "--cmd", programs.example(path) + " " + words, *more)

        self.each(SERVERS, body)

    def test_each_client_of_the_course_passes_its_exercise(self):
        def body(exercise, path, words, *more):
            self.assert_passes(exercise, "--client", programs.example(path) + " " + words, *more)

        self.each(CLIENTS, body)

    def test_the_hftp_client_of_the_course_passes(self):
        client = programs.example("17_hftp/hftp_client")
        self.assert_passes("hftp-client", "--client", "cd {dir} && %s %s" % (client, CLIENT))

    def test_the_echo_server_of_the_lab_in_python_passes(self):
        command = self.lab_server("lab_peers.echo_server(Listener(client), [])")
        self.assert_passes("echo-server", "--cmd", command + " {port}")

    def test_the_framed_server_of_the_lab_with_a_right_readmsg_passes(self):
        command = self.lab_server("lab_frames.echo_server(client)")
        self.assert_passes("framed-server", "--cmd", command + " {port}")


    def test_the_remote_copy_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_copy.py -p {port} %%s {file}" % (sys.executable, HERE)
        self.each([("copy-lines-server", "--cmd", command.replace("%s", "lines-server")),
                   ("copy-frame-server", "--cmd", command.replace("%s", "frame-server")),
                   ("copy-lines-client", "--client", command.replace("%s", "lines-client")),
                   ("copy-frame-client", "--client", command.replace("%s", "frame-client"))],
                  self.assert_passes)

    def test_the_file_store_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_store.py -p {port} " % (sys.executable, HERE)
        self.each([  # it serves any path, as its course left it
                   ("store-server", "--cmd", command + "server {dir}", "--skip", "outside"),
                   ("store-upload", "--client", command + "upload {file} nota.txt"),
                   ("store-download", "--client", command + "download {file} nota.txt"),
                   ("store-list", "--client", command + "list")],
                  self.assert_passes)

    def test_hftp_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_hftp.py -p {port} " % (sys.executable, HERE)
        self.each([("hftp-server", "--cmd", command + "server {dir}"),
                   ("hftp-client", "--client", "cd {dir} && " + command + "get foto.jpg")],
                  self.assert_passes)


class Labs(CheckCase):
    """The programs of the labs, with the verdicts that their chapters give."""

    def test_the_five_flaws_of_the_naive_readmsg_are_found_each_with_its_cause(self):
        command = programs.example("08_frames/naive/readmsg_server") + " " + SERVER
        _, found = self.results("framed-server", "--cmd", command, "--all")
        causes = {each["name"]: one_line(each["message"]) for each in found["tests"]
                  if each["status"] == "fail"}
        passed = {each["name"] for each in found["tests"] if each["status"] == "pass"}
        self.assertLessEqual({"one", "two"}, passed)  # at a keyboard it works
        for test, cause in [("one/bytes", "one recv for one message"), ("colon", "byte 6"),
                            ("empty", "empty message"), ("letter-in-header", "atoi")]:
            self.assertIn(cause, causes[test])
        self.assertIn("byte 6", causes["colon/glued"])  # and not the gluing

    def test_the_readmsg_of_the_lab_in_python_fails(self):
        command = self.lab_server(
            "lab_frames.echo_server(client, lab_frames.readmsg_of_the_lab)")
        _, found = self.results("framed-server", "--cmd", command + " {port}", "--all")
        causes = {each["name"]: one_line(each["message"]) for each in found["tests"]}
        self.assertEqual(causes["one"], "")
        self.assertIn("loops without waiting", causes["truncated"])
        self.assertIn("byte 6", causes["colon"])

    def test_the_echo_client_of_the_lab_takes_one_recv_for_the_answer(self):
        command = self.script("""
            import sys
            sys.path.insert(0, %r)
            import lab_peers
            for answer in lab_peers.echo_client(int(sys.argv[1]), [b"hola", b"adios"]):
                print(answer)
        """ % str(HERE))
        _, found = self.results("echo-client", "--client", command + " {port}", "--all")
        stories = {each["name"]: one_line(each["message"]) for each in found["tests"]}
        self.assertEqual(stories["two-lines"], "")
        self.assertIn("one recv for one message", stories["two-lines/bytes"])

    def test_the_naive_readmsg_client_fails(self):
        command = programs.example("08_frames/naive/readmsg_client") + " " + CLIENT
        self.assert_caught("framed-client", "--client", command, "colon", "byte 6")

    def test_the_naive_select_server_blocks_on_a_slow_reader(self):
        command = programs.example("12_select/naive/select_echo_server") + " " + SERVER
        self.assert_caught("select-server", "--cmd", command, "never-reads", "blocks the program")

    def test_the_naive_idle_server_has_one_time_out_for_all(self):
        command = programs.example("13_idle_clients/naive/idle_echo_server") + " " + SERVER
        self.assert_caught("idle-server", "--cmd", command + " --idle 1", "own-deadline",
                           "One time-out serves all", "--idle", "1")

    def test_the_file_store_of_the_lab_serves_files_outside_of_its_folder(self):
        command = "%s %s/lab_store.py -p {port} server {dir}" % (sys.executable, HERE)
        self.assert_caught("store-server", "--cmd", command, "outside", "outside of its folder")

    def test_the_naive_chat_server_takes_one_recv_for_one_message(self):
        command = programs.example("14_group_chat/naive/chat_server") + " " + SERVER
        self.assert_caught("chat-lines", "--cmd", command, "said/bytes",
                           "one recv for one message")

    def test_the_server_of_the_first_exercise_has_no_dot(self):
        command = programs.example("03_echo_server/first_echo_server") + " {port}"
        self.assert_caught("echo-server", "--cmd", command, "dot", "exactly one dot")

    def test_a_server_for_one_client_at_a_time_is_no_select_server(self):
        command = programs.example("03_echo_server/echo_server") + " " + SERVER
        self.assert_caught("select-server", "--cmd", command, "several", "one client at a time")


if __name__ == "__main__":
    unittest.main()
