#!/usr/bin/env python3
"""trama in a program and in its shared libraries at the same time, with every compiler, and with
-fvisibility=hidden too: exceptions pass the border with their types, the trace and "stop" exist
once, and plugins that come and go leave the signals as they were.

Run: python3 tests/headers/test_shared_libraries.py      (with g++ and clang++, if installed)
"""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SINGLE = f"-I{ROOT}/single_include"
WARNINGS = ["-Wall", "-Wextra", "-Werror"]
CONFIGURATIONS = [[compiler, *hidden] for compiler in ("g++", "clang++") if shutil.which(compiler)
                  for hidden in ([], ["-fvisibility=hidden"])]

# A shared library that uses trama inside. Only these functions are seen from outside.
LIBRARY = r"""
#include "trama.hpp"
#define API extern "C" __attribute__((visibility("default")))

struct visitor { int number = 0; };  // a type of its own, as the State of a server

API void throw_network() { auto peer = trama::tcp_stream::connect("127.0.0.1", PORT_OF_NOBODY); }
API void throw_frame() {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("x");
    auto frame = decoder.next_frame();
}
API void throw_file() { trama::folder("/no/such"); }
API void throw_eof() {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    auto client = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    listener.accept().close();
    auto bytes = client.recv_exact(3);
}
API bool sees_trace() { return trama::tracing(); }
API void set_trace(trama::trace_sink sink) { trama::trace_to(sink); }
API bool sees_signals() { return trama::stop_signal::signals_are_caught(); }
API void* catch_signals() {
    auto* const stop = new trama::stop_signal;
    try {
        stop->catch_signals();
    } catch (...) {
        delete stop;
        throw;
    }
    return stop;
}
API bool is_stopped(void* stop) { return static_cast<trama::stop_signal*>(stop)->stopped(); }
API void release_signals(void* stop) { delete static_cast<trama::stop_signal*>(stop); }
API void make_server() { trama::message_server<trama::lf_line, visitor> server("127.0.0.1", 0); }
"""

# A program that is linked with the library and uses trama itself.
LINKED = r"""
#include "trama.hpp"
#include <cstdio>
#include <cstring>
#define API extern "C"
API void throw_network();
API void throw_frame();
API void throw_file();
API void throw_eof();
API bool sees_trace();
API void set_trace(trama::trace_sink);
API bool sees_signals();
API void* catch_signals();
API bool is_stopped(void*);
API void release_signals(void*);
API void make_server();

template <typename Error>
void probe(const char* name, void (*function)()) {
    try {
        function();
    } catch (const Error&) {
        std::printf("%s: caught\n", name);
    } catch (const std::exception& error) {
        std::printf("%s: caught as another type: %s\n", name, error.what());
    }
}

bool is_default(int number) {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    return present.sa_handler == SIG_DFL;
}

int main() {
    probe<trama::network_error>("network_error", throw_network);
    probe<std::system_error>("network_error as system_error", throw_network);
    probe<trama::frame_error>("frame_error", throw_frame);
    probe<trama::file_error>("file_error", throw_file);
    probe<trama::unexpected_eof>("unexpected_eof", throw_eof);
    trama::trace_to([](std::string_view) {});
    std::printf("the library sees the trace: %d\n", sees_trace());
    trama::trace_to(nullptr);
    std::printf("and that it is off: %d\n", !sees_trace());
    set_trace([](std::string_view) {});
    std::printf("the program sees the trace: %d\n", trama::tracing());
    set_trace(nullptr);

    trama::stop_signal stop;
    stop.catch_signals();
    std::printf("the library sees that signals are caught: %d\n", sees_signals());
    try {
        catch_signals();
        std::puts("both catch the signals");
    } catch (const std::logic_error&) {
        std::puts("the library cannot catch them, too");
    }
    make_server();  // which does not catch signals that are caught
    ::raise(SIGINT);
    std::printf("stopped: %d\n", stop.stopped());
    void* its = nullptr;
    try {
        its = catch_signals();
    } catch (const std::logic_error&) {
        std::puts("the first one still has them");
    }
    release_signals(its);
    std::printf("SIGINT is the default: %d\n", is_default(SIGINT));
}
"""

# A program without trama. It loads two plugins, each with trama inside, and unloads them.
PLUGINS = r"""
#include <csignal>
#include <cstdio>
#include <dlfcn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

template <typename Function>
Function look_up(void* library, const char* name) {
    return reinterpret_cast<Function>(dlsym(library, name));
}

void* catch_signals(void* library, const char* name) {
    try {
        void* const stop = look_up<void* (*)()>(library, "catch_signals")();
        std::printf("%s catches the signals\n", name);
        return stop;
    } catch (const std::logic_error&) {
        std::printf("%s is told that they have a handler\n", name);
        return nullptr;
    }
}

void unload(void* library, void* stop) {
    if (stop != nullptr) look_up<void (*)(void*)>(library, "release_signals")(stop);
    dlclose(library);
}

void show_end(int number) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        raise(number);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    std::printf("signal %s ends the program: %d\n", number == SIGINT ? "INT" : "TERM",
                WIFSIGNALED(status) && WTERMSIG(status) == number);
}

int main(int, char** argv) {
    for (int round = 0; round < 2; ++round) {
        void* const a = dlopen("./liba.so", RTLD_NOW | RTLD_LOCAL);
        void* const b = dlopen("./libb.so", RTLD_NOW | RTLD_LOCAL);
        void* const of_a = catch_signals(a, "a");
        void* const of_b = catch_signals(b, "b");
        if (argv[1][0] == 'a') unload(a, of_a);
        unload(b, of_b);
        if (argv[1][0] == 'b') unload(a, of_a);
        show_end(SIGINT);
        show_end(SIGTERM);
    }
}
"""

LINKED_PRINTS = """\
network_error: caught
network_error as system_error: caught
frame_error: caught
file_error: caught
unexpected_eof: caught
the library sees the trace: 1
and that it is off: 1
the program sees the trace: 1
the library sees that signals are caught: 1
the library cannot catch them, too
stopped: 1
the first one still has them
SIGINT is the default: 1
"""

PLUGINS_PRINT = """\
a catches the signals
b is told that they have a handler
signal INT ends the program: 1
signal TERM ends the program: 1
""" * 2


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


class SharedLibraries(unittest.TestCase):
    def setUp(self):
        self.assertTrue(CONFIGURATIONS, "neither g++ nor clang++ is installed")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def build(self, configuration, text, output, *flags):
        source = Path(self.folder, "source.cpp")
        # Port 1 (tcpmux) is one that nobody but root could listen at.
        source.write_text(text.replace("PORT_OF_NOBODY", "1"))
        done = run(*configuration, "-std=c++17", "-O1", *WARNINGS, SINGLE, source, "-o", output,
                   *flags, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def printed(self, *command):
        done = run(*command, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_a_program_and_its_library_share_types_trace_and_stop(self):
        for configuration in CONFIGURATIONS:
            with self.subTest(configuration):
                self.build(configuration, LIBRARY, "libone.so", "-fPIC", "-shared")
                self.build(configuration, LINKED, "linked", "-L.", "-lone", "-Wl,-rpath,$ORIGIN")
                self.assertEqual(self.printed("./linked"), LINKED_PRINTS)

    def test_after_two_plugins_have_gone_ctrl_c_ends_the_program_again(self):
        for configuration in CONFIGURATIONS:
            self.build(configuration, LIBRARY, "liba.so", "-fPIC", "-shared")
            shutil.copy(Path(self.folder, "liba.so"), Path(self.folder, "libb.so"))
            self.build(configuration, PLUGINS, "plugins", "-ldl")
            for goes_first in "ab":
                with self.subTest(configuration, goes_first=goes_first):
                    self.assertEqual(self.printed("./plugins", goes_first), PLUGINS_PRINT)

    def test_hidden_libraries_show_the_symbols_of_trama(self):
        if not shutil.which("nm"):
            self.skipTest("nm is not installed")
        for configuration in CONFIGURATIONS:
            with self.subTest(configuration):
                self.build(configuration, LIBRARY, "libone.so", "-fPIC", "-shared")
                shown = self.printed("nm", "-DC", "--defined-only", "libone.so")
                for name in ("typeinfo for trama::network_error", "trama::trama_detail::stop_pipe",
                             "trama::trama_detail::current_sink"):
                    self.assertTrue(re.search(rf" {re.escape(name)}$", shown, re.MULTILINE), name)


if __name__ == "__main__":
    unittest.main()
