// What is left of an atomic_file when the program is killed, or the disk is full.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/private_machine.hpp"
#include "files.hpp"

#include <atomic>
#include <random>
#include <thread>

#include <sys/mount.h>
#include <sys/syscall.h>

using test::child_process;
using test::file_failure_of;
using test::make_file;
using test::net_test;
using test::temporary_folder;
using test::write_to;
using trama::atomic_file;
using trama::folder;
using trama::tcp_stream;

namespace {

using namespace std::chrono_literals;
using names = std::set<std::string>;

constexpr std::size_t piece_size = 16384;
constexpr int pieces = 16;

/// True for a file as overwrite_for_ever makes it: all of it, and from one round.
bool is_whole(const std::string& bytes) {
    return bytes == std::string(pieces * piece_size, bytes.empty() ? '-' : bytes.front());
}

/// Writes the file "data" again and again, and sends a byte to `watcher` before each step.
void overwrite_for_ever(const folder& where, tcp_stream& watcher) {
    for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1)) {
        atomic_file file(where, "data");
        for (int piece = 0; piece < pieces; ++piece) {
            watcher.send_all(".");
            write_to(file.fd(), std::string(piece_size, letter));
        }
        watcher.send_all(".");
        file.commit();
    }
}

/// A process that does overwrite_for_ever, killed when it has done so many steps.
void kill_after(std::size_t steps, const folder& where) {
    auto pair = test::local_pair();
    child_process writer([&] {
        pair.server.close();
        overwrite_for_ever(where, pair.client);
    });
    pair.client.close();
    static_cast<void>(pair.server.recv_exact(steps));
    writer.kill();
}

/// A process that writes the file "data", and commits it when it is told to.
class slow_writer {
public:
    explicit slow_writer(const folder& where)
        : pair_(test::local_pair()), process_([&] {
              pair_.server.close();
              atomic_file file(where, "data");
              write_to(file.fd(), "something new");
              pair_.client.send_all("written");
              static_cast<void>(pair_.client.recv_exact(1));
              file.commit();
          }) {
        pair_.client.close();
        static_cast<void>(pair_.server.recv_exact(7));
    }

    void kill() { process_.kill(); }

    bool commit() {
        pair_.server.send_all(".");
        return process_.wait();
    }

private:
    test::stream_pair pair_;
    child_process process_;
};

struct one_folder : net_test {
    names present() const { return test::names_in(where.path()); }
    std::string data() const { return test::bytes_at(where / "data"); }

    temporary_folder where;
    folder files{where.path()};
};

}  // namespace

TEST_CASE_METHOD(one_folder, "killed at any moment, the old file is there or the new one, whole",
                 "[file]") {
    std::mt19937 random(1);
    std::set<char> rounds;
    int leftovers = 0;
    for (int i = 0; i < 50; ++i) {
        make_file(where / "data", std::string(pieces * piece_size, 'Z'));
        const std::size_t steps = 1 + random() % 50;
        INFO("run " << i << ", killed after step " << steps);
        kill_after(steps, files);
        const std::string bytes = data();
        CHECK(is_whole(bytes));
        rounds.insert(bytes.empty() ? '-' : bytes.front());
        leftovers += static_cast<int>(present().size()) - 1;
        atomic_file::clear_leftovers(files);
        CHECK(present() == names{"data"});
    }
    // Or else it was never killed where it matters.
    CHECK(rounds.size() > 1);
    CHECK(rounds.count('Z') == 1);
    CHECK(leftovers > 10);
}

TEST_CASE_METHOD(one_folder, "the next start clears what a killed program left, and nothing else",
                 "[file]") {
    make_file(where / "data", "old");
    make_file(where / "trama-1-1", "a file of somebody");
    ::mkdir((where / ".trama-folder").c_str(), 0755);
    REQUIRE(::symlink("data", (where / ".trama-link").c_str()) == 0);
    slow_writer first(files);
    slow_writer second(files);
    first.kill();
    second.kill();
    const names without_them = {"data", "trama-1-1", ".trama-folder", ".trama-link"};
    CHECK(present().size() == without_them.size() + 2);
    atomic_file::clear_leftovers(files);
    CHECK(present() == without_them);
    CHECK(data() == "old");
    atomic_file::clear_leftovers(files);
    CHECK(present() == without_them);
}

TEST_CASE_METHOD(one_folder, "what a living process writes is not cleared", "[file]") {
    slow_writer writer(files);
    atomic_file::clear_leftovers(files);
    CHECK(present().size() == 1);
    CHECK(writer.commit());
    CHECK(data() == "something new");
}

TEST_CASE_METHOD(one_folder, "what this process writes is not cleared either", "[file]") {
    atomic_file file(files, "data");
    atomic_file::clear_leftovers(files);
    file.commit();
    CHECK(present() == names{"data"});
}

#if defined(__linux__)
namespace {

/// A clean-up that comes when a file was made and is not locked yet, and takes its time then.
class unlucky_clean_up {
public:
    explicit unlucky_clean_up(const folder& where) : where_(where) { current = this; }
    unlucky_clean_up(const unlucky_clean_up&) = delete;
    unlucky_clean_up& operator=(const unlucky_clean_up&) = delete;
    ~unlucky_clean_up() { current = nullptr; }

    /// The writer has begun; now the clean-up can end.
    void finish() {
        writer_has_begun_.set_value();
        work_.get();
    }

    void before_lock() {
        if (std::this_thread::get_id() != writer_ || work_.valid()) return;
        work_ = test::in_background([this] { return atomic_file::clear_leftovers(where_); });
        locked_.get_future().wait();
    }

    void after_lock() {
        if (std::this_thread::get_id() == writer_ || is_locked_) return;
        is_locked_ = true;
        locked_.set_value();
        // The writer may wait for this clean-up: then it has not begun before its end.
        writer_has_begun_.get_future().wait_for(100ms);
    }

    inline static std::atomic<unlucky_clean_up*> current{nullptr};

private:
    const folder& where_;
    const std::thread::id writer_ = std::this_thread::get_id();
    bool is_locked_ = false;
    std::promise<void> locked_;
    std::promise<void> writer_has_begun_;
    std::future<void> work_;
};

}  // namespace

#ifndef __GLIBC__
#define __THROW  // glibc declares its functions with it: noexcept
#endif

/// In place of the one of the C library, in this program.
extern "C" int flock(int file, int operation) __THROW {
    unlucky_clean_up* const clean_up = unlucky_clean_up::current;
    if (clean_up != nullptr) clean_up->before_lock();
    const auto result = static_cast<int>(::syscall(SYS_flock, file, operation));
    if (clean_up != nullptr) clean_up->after_lock();
    return result;
}

TEST_CASE_METHOD(one_folder, "clearing does not take a file from one who has just begun it",
                 "[file]") {
    unlucky_clean_up clean_up(files);
    atomic_file file(files, "data");
    clean_up.finish();
    file.commit();
    CHECK(present() == names{"data"});
}
#endif

// ---- the disk is full --------------------------------------------------------------------------

namespace {

/// Writes 100 KiB that come through a connection over "data", and commits them.
void receive_upload(const folder& files) {
    auto pair = test::local_pair();
    pair.client.send_all(std::string(102400, 'x'));
    atomic_file file(files, "data");
    trama::receive_file(pair.server, file.fd(), 102400);
    file.commit();
}

/// Signals of a kind are ignored while it lives.
class ignored_signal {
public:
    explicit ignored_signal(int number) : number_(number), before_(std::signal(number, SIG_IGN)) {}
    ignored_signal(const ignored_signal&) = delete;
    ignored_signal& operator=(const ignored_signal&) = delete;
    ~ignored_signal() { std::signal(number_, before_); }

private:
    int number_;
    void (*before_)(int);
};

/// In a child process: what is seen of an upload to a disk of 64 KiB.
std::string upload_to_small_disk(const temporary_folder& where) {
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1 ||
        ::mount("tmpfs", where.path().c_str(), "tmpfs", 0, "size=64k") == -1)
        throw test::impossible("nothing can be mounted here");
    const folder files(where.path());
    make_file(where / "data", "old");
    const auto failed = file_failure_of([&] { return receive_upload(files); });
    const std::string left = test::bytes_at(where / "data");
    const bool alone = test::names_in(where.path()) == names{"data"};
    make_file(where / "more", std::string(50000, 'x'));  // throws if no space was given back
    return failed.text + "; " + left + (alone ? "; nothing else" : "; and leftovers");
}

}  // namespace

TEST_CASE_METHOD(one_folder,
                 "a full disk is an error, the old file stays, and the space comes back",
                 "[file]") {
    const test::ending end =
        test::on_a_private_machine([&] { return upload_to_small_disk(where); });
    if (!end.why_not.empty()) return test::skip(end.why_not);
    CHECK(end.told == "write to a file: " + test::reason(ENOSPC) + "; old; nothing else");
}

TEST_CASE_METHOD(one_folder, "a file above the limit of the process is an error, too", "[file]") {
    make_file(where / "data", "old");
    const ignored_signal no_signal(SIGXFSZ);
    test::outcome failed;
    {
        const test::lower_limit<RLIMIT_FSIZE> limit(65536);
        failed = file_failure_of([&] { return receive_upload(files); });
    }
    CHECK(failed.code == std::errc::file_too_large);
    CHECK(failed.text == "write to a file: File too large");
    CHECK(data() == "old");
    CHECK(present() == names{"data"});
}
