// A folder opens regular files that lie in it, and nothing else, whatever name it is given.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "files.hpp"
#include "refused_calls.hpp"

#include <atomic>
#include <map>

#include <sys/un.h>

using test::bytes_of;
using test::file_failure_of;
using test::make_file;
using test::net_test;
using test::temporary_folder;
using trama::file_error;
using trama::folder;

namespace {

using namespace std::string_literals;

static_assert(!std::is_copy_constructible_v<folder>);
static_assert(std::is_nothrow_move_constructible_v<folder>);
static_assert(std::is_nothrow_move_assignable_v<folder>);

/// A folder "files" with one file in it, beside a file and a folder that are nobody's business.
struct two_folders : net_test {
    two_folders() {
        ::mkdir((outside / "files").c_str(), 0755);
        ::mkdir((outside / "others").c_str(), 0755);
        make_file(outside / "files/inside", "inside");
        make_file(outside / "secret", "secret");
        make_file(outside / "others/inside", "secret");
    }

    std::string path_to(const std::string& name) const { return outside / "files/" + name; }
    folder files() const { return folder(outside / "files"); }

    temporary_folder outside;
};

std::map<std::string, long> sizes_in(const folder& files) {
    std::map<std::string, long> sizes;
    files.each_file([&](const std::string& name, const struct stat& status) {
        sizes[name] = static_cast<long>(status.st_size);
    });
    return sizes;
}

/// What becomes of `name`: its bytes, or why it cannot be opened.
std::string opened(const folder& files, const std::string& name) {
    try {
        return bytes_of(files.open(name));
    } catch (const file_error& error) {
        return error.code().message();
    }
}

/// While it lives, this process has no right that others do not have.
class as_nobody {
public:
    as_nobody() : changed_(::geteuid() == 0 && ::seteuid(65534) == 0) {}
    as_nobody(const as_nobody&) = delete;
    as_nobody& operator=(const as_nobody&) = delete;
    ~as_nobody() {
        if (changed_) static_cast<void>(::seteuid(0));
    }

private:
    bool changed_;
};

const std::string none = test::reason(ENOENT);

}  // namespace

TEST_CASE("a plain name is one step: no slash, no NUL, not . or .., 1 to 255 bytes", "[file]") {
    for (const std::string& name : test::plain_names) {
        INFO(trama::escaped(name));
        CHECK(trama::is_plain_name(name));
    }
    for (const std::string& name : test::other_names) {
        INFO(trama::escaped(name, 300));
        CHECK_FALSE(trama::is_plain_name(name));
    }
}

TEST_CASE_METHOD(two_folders, "a regular file is opened to be read, from its start", "[file]") {
    const folder files = this->files();
    const trama::unique_fd file = files.open("inside");
    CHECK(bytes_of(file) == "inside");
    CHECK(folder::status_of(file.get(), "inside").st_size == 6);
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == 0);
    CHECK(test::is_closed_on_exec(file.get()));
    CHECK(test::is_closed_on_exec(files.fd()));
    CHECK(::write(file.get(), "x", 1) == -1);
}

TEST_CASE_METHOD(two_folders, "every plain name can be a file: made, listed, and opened",
                 "[file]") {
    const folder files = this->files();
    for (const std::string& name : test::plain_names) {
        INFO(trama::escaped(name));
        make_file(path_to(name), "12345");
        CHECK(opened(files, name) == "12345");
        CHECK(sizes_in(files) == std::map<std::string, long>{{"inside", 6}, {name, 5}});
        ::unlink(path_to(name).c_str());
    }
}

TEST_CASE_METHOD(two_folders, "a name that is not plain opens nothing", "[file]") {
    const folder files = this->files();
    for (const std::string& name : test::other_names) {
        INFO(trama::escaped(name, 300));
        CHECK(opened(files, name) == none);
    }
}

TEST_CASE_METHOD(two_folders, "a name that is not plain opens nothing, although it is there",
                 "[file]") {
    ::mkdir(path_to("deeper").c_str(), 0755);
    make_file(path_to("deeper/file"), "deep");
    const folder files = this->files();
    for (const std::string& name :
         {"../secret"s, "../files/inside"s, "./inside"s, "inside\0"s, "inside\0/"s, "deeper/file"s,
          "deeper/../inside"s, outside / "secret", path_to("inside")}) {
        INFO(trama::escaped(name));
        CHECK(opened(files, name) == none);
    }
}

TEST_CASE_METHOD(two_folders, "a link is no file, wherever it leads", "[file]") {
    const folder files = this->files();
    const char* const goal =
        GENERATE("../secret", "inside", "/etc/passwd", "../others", "itself", "nowhere");
    REQUIRE(::symlink(goal, path_to("itself").c_str()) == 0);
    CHECK(opened(files, "itself") == none);
    CHECK(sizes_in(files).count("itself") == 0);
}

TEST_CASE_METHOD(two_folders, "a second name of a file is a file", "[file]") {
    REQUIRE(::link(path_to("inside").c_str(), path_to("second").c_str()) == 0);
    CHECK(opened(files(), "second") == "inside");
    CHECK(sizes_in(files()).size() == 2);
}

TEST_CASE_METHOD(two_folders, "a folder, a FIFO and a socket are no files, and nobody waits",
                 "[file]") {
    const folder files = this->files();
    REQUIRE(::mkdir(path_to("folder").c_str(), 0755) == 0);
    REQUIRE(::mkfifo(path_to("fifo").c_str(), 0644) == 0);
    const trama::unique_fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_to("socket").copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    for (const char* name : {"folder", "fifo", "socket"}) {
        INFO(name);
        const test::stopwatch watch;
        CHECK(opened(files, name) == none);
        CHECK(watch.undisturbed_seconds() < 5);
    }
    CHECK(sizes_in(files) == std::map<std::string, long>{{"inside", 6}});
}

TEST_CASE_METHOD(two_folders, "a device is no file", "[file]") {
    const folder devices("/dev");
    for (const char* name : {"null", "zero", "full", "tty"}) CHECK(opened(devices, name) == none);
    CHECK(sizes_in(devices).count("null") == 0);
}

TEST_CASE_METHOD(two_folders, "a file that may not be read says so", "[file]") {
    ::chmod(outside.path().c_str(), 0755);
    ::chmod(path_to("inside").c_str(), 0);
    const folder files = this->files();
    const as_nobody nobody;
    if (::geteuid() == 0) return test::skip("root reads everything, and cannot become another");
    const auto failed = file_failure_of([&] { return files.open("inside"); });
    CHECK(failed.code == std::errc::permission_denied);
    CHECK(failed.text == "open " + path_to("inside") + ": " + test::reason(EACCES));
    CHECK(sizes_in(files).count("inside") == 1);
}

TEST_CASE_METHOD(two_folders, "errors show a name in a form that no terminal obeys", "[file]") {
    const auto failed = file_failure_of([&] { return files().open("\x1b[2J\n"); });
    CHECK(failed.code == std::errc::no_such_file_or_directory);
    CHECK(failed.text == "open " + path_to("\\x1b[2J\\n") + ": " + none);
    CHECK(test::contains(file_failure_of([&] { return files().open(std::string(5000, 'x')); }).text,
                         "open "));
}

TEST_CASE_METHOD(two_folders, "a folder that is renamed goes on being the same", "[file]") {
    const folder files = this->files();
    REQUIRE(std::rename((outside / "files").c_str(), (outside / "renamed").c_str()) == 0);
    CHECK(opened(files, "inside") == "inside");
    REQUIRE(::symlink("others", (outside / "files").c_str()) == 0);
    CHECK(opened(files, "inside") == "inside");
    CHECK(sizes_in(files).size() == 1);
    ::unlink((outside / "files").c_str());
    REQUIRE(std::rename((outside / "others").c_str(), (outside / "files").c_str()) == 0);
    CHECK(opened(files, "inside") == "inside");
}

TEST_CASE_METHOD(two_folders, "a folder that is deleted has no files, and none can be made",
                 "[file]") {
    const folder files = this->files();
    ::unlink(path_to("inside").c_str());
    REQUIRE(::rmdir((outside / "files").c_str()) == 0);
    CHECK(opened(files, "inside") == none);
    CHECK(file_failure_of([&] { return sizes_in(files); }).text ==
          "list " + outside.path() + "/files: " + none);
    CHECK_THROWS_AS(files.make_inside("deeper"), file_error);
    CHECK_THROWS_AS(trama::atomic_file(files, "new"), file_error);
}

TEST_CASE_METHOD(two_folders, "a link that is swapped in all the time never leads outside",
                 "[file]") {
    const folder files = this->files();
    std::atomic<bool> over{false};
    auto attacker = test::in_background([&] {
        while (!over) {
            make_file(path_to("new"), "inside");
            std::rename(path_to("new").c_str(), path_to("inside").c_str());
            static_cast<void>(::symlink("../secret", path_to("new").c_str()));
            std::rename(path_to("new").c_str(), path_to("inside").c_str());
        }
    });
    std::set<std::string> seen;
    for (int i = 0; i < 100000 && (i < 2000 || seen.size() < 2); ++i)
        seen.insert(opened(files, "inside"));
    over = true;
    attacker.get();
    CHECK(seen == std::set<std::string>{"inside", none});
}

TEST_CASE_METHOD(two_folders, "a file that is deleted while the folder is listed is left out",
                 "[file]") {
    for (const char* name : {"a", "b", "c", "d"}) make_file(path_to(name), "x");
    int visited = 0;
    files().each_file([&](const std::string& visited_name, const struct stat&) {
        ++visited;
        for (const std::string& name : test::names_in(outside / "files"))
            if (name != visited_name) ::unlink(path_to(name).c_str());
    });
    CHECK(visited == 1);
}

TEST_CASE_METHOD(two_folders, "a list starts anew each time, also inside of another", "[file]") {
    make_file(path_to("other"), "x");
    const folder files = this->files();
    int pairs = 0;
    files.each_file([&](const std::string&, const struct stat&) {
        files.each_file([&](const std::string&, const struct stat&) { ++pairs; });
    });
    CHECK(pairs == 4);
    CHECK(sizes_in(files).size() == 2);
}

TEST_CASE_METHOD(two_folders, "what a visit throws ends the list and passes through", "[file]") {
    CHECK_THROWS_WITH(files().each_file([](const std::string& name, const struct stat&) {
        throw std::runtime_error("no more after " + name);
    }),
                      "no more after inside");
}

TEST_CASE_METHOD(two_folders, "1,000 files are listed, each once", "[file]") {
    std::map<std::string, long> expected{{"inside", 6}};
    for (int i = 0; i < 1000; ++i) {
        make_file(path_to(std::to_string(i)), std::string(static_cast<std::size_t>(i % 7), 'x'));
        expected[std::to_string(i)] = i % 7;
    }
    int visits = 0;
    const folder files = this->files();
    files.each_file([&](const std::string&, const struct stat&) { ++visits; });
    CHECK(visits == 1001);
    CHECK(sizes_in(files) == expected);
}

TEST_CASE_METHOD(two_folders, "a list without a free descriptor fails, and leaves none open",
                 "[file]") {
    const folder files = this->files();
    const test::lower_limit<RLIMIT_NOFILE> limit(3);
    CHECK(file_failure_of([&] { return sizes_in(files); }).code == std::errc::too_many_files_open);
    CHECK(file_failure_of([&] { return files.open("inside"); }).code ==
          std::errc::too_many_files_open);
}

TEST_CASE_METHOD(two_folders, "what is no folder cannot be opened as one", "[file]") {
    const auto missing = file_failure_of([&] { return folder(outside / "missing"); });
    CHECK(missing.code == std::errc::no_such_file_or_directory);
    CHECK(missing.text == "open folder " + outside.path() + "/missing: " + none);
    CHECK(file_failure_of([&] { return folder(outside / "secret"); }).code ==
          std::errc::not_a_directory);
    CHECK(file_failure_of([&] { return folder(""); }).code == std::errc::no_such_file_or_directory);
}

TEST_CASE_METHOD(two_folders, "make gives a new folder, or the one that is there", "[file]") {
    const folder made = folder::make(outside / "new");
    make_file(outside / "new/file", "here");
    CHECK(opened(made, "file") == "here");
    CHECK(opened(folder::make(outside / "new"), "file") == "here");
    CHECK(made.path() == outside.path() + "/new");
    CHECK(made.path_to("x") == outside.path() + "/new/x");
}

TEST_CASE_METHOD(two_folders, "make follows a link, as it was named by who started the program",
                 "[file]") {
    REQUIRE(::symlink("files", (outside / "link").c_str()) == 0);
    CHECK(opened(folder::make(outside / "link"), "inside") == "inside");
}

TEST_CASE_METHOD(two_folders, "make needs the folders above, and no file in the way", "[file]") {
    const auto missing = file_failure_of([&] { return folder::make(outside / "a/b"); });
    CHECK(missing.code == std::errc::no_such_file_or_directory);
    CHECK(missing.text.find("make folder ") == 0);
    const auto failed = file_failure_of([&] { return folder::make(outside / "secret"); });
    CHECK(failed.code == std::errc::not_a_directory);
    CHECK(test::bytes_at(outside / "secret") == "secret");
}

TEST_CASE_METHOD(two_folders, "make_inside gives a new folder, or the one that is there",
                 "[file]") {
    const folder files = this->files();
    const folder made = files.make_inside("deeper");
    make_file(path_to("deeper/file"), "here");
    CHECK(opened(made, "file") == "here");
    CHECK(opened(files.make_inside("deeper"), "file") == "here");
    CHECK(made.path() == path_to("deeper"));
    CHECK(test::is_closed_on_exec(made.fd()));
}

TEST_CASE_METHOD(two_folders, "make_inside does not leave the folder", "[file]") {
    const folder files = this->files();
    for (const std::string& name : test::other_names) {
        INFO(trama::escaped(name, 300));
        CHECK(file_failure_of([&] { return files.make_inside(name); }).code ==
              std::errc::invalid_argument);
    }
    CHECK(test::names_in(outside.path()) == std::set<std::string>{"files", "others", "secret"});
    CHECK(test::names_in(outside / "files") == std::set<std::string>{"inside"});
}

TEST_CASE_METHOD(two_folders, "make_inside follows no link, and takes no file for a folder",
                 "[file]") {
    const folder files = this->files();
    REQUIRE(::symlink("../others", path_to("link").c_str()) == 0);
    REQUIRE(::symlink("../new", path_to("to nothing").c_str()) == 0);
    for (const char* name : {"link", "to nothing", "inside"}) {
        INFO(name);
        CHECK_THROWS_AS(files.make_inside(name), file_error);
    }
    CHECK(test::names_in(outside.path()) == std::set<std::string>{"files", "others", "secret"});
}

TEST_CASE_METHOD(two_folders, "a folder that was moved lies where it was moved to", "[file]") {
    folder first = files();
    folder second(std::move(first));
    CHECK(first.fd() == -1);
    CHECK(opened(second, "inside") == "inside");
    CHECK_THROWS_AS(first.open("inside"), file_error);
    CHECK_THROWS_AS(sizes_in(first), file_error);
    first = folder(outside / "others");
    second = std::move(first);
    CHECK(opened(second, "inside") == "secret");
}

TEST_CASE("status_of needs an open file", "[file]") {
    const auto failed = file_failure_of([] { return folder::status_of(-1, "x"); });
    CHECK(failed.code == std::errc::bad_file_descriptor);
    CHECK(failed.text == "look at x: " + test::reason(EBADF));
}

TEST_CASE_METHOD(net_test, "write_all writes all, although a pipe takes less at once", "[file]") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const trama::unique_fd reading(ends[0]);
    trama::unique_fd writing(ends[1]);
    trama::write_all(writing.get(), "", "a pipe");
    const std::string bytes = test::any_bytes(1000000);
    auto writer = test::in_background([&] {
        trama::write_all(writing.get(), bytes, "a pipe");
        writing.reset();
    });
    std::string seen;
    char piece[65536];
    for (ssize_t count; (count = ::read(reading.get(), piece, sizeof piece)) > 0;)
        seen.append(piece, static_cast<std::size_t>(count));
    writer.get();
    CHECK((seen == bytes));
}

TEST_CASE("write_all says why it could not", "[file]") {
    const trama::unique_fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const auto failed =
        file_failure_of([&] { return trama::write_all(full.get(), "x", "/dev/full"); });
    CHECK(failed.code == std::errc::no_space_on_device);
    CHECK(failed.text == "write /dev/full: " + test::reason(ENOSPC));
}

TEST_CASE_METHOD(two_folders, "read_some reads what is there, and 0 bytes at the end", "[file]") {
    const trama::unique_fd file = files().open("inside");
    char memory[4];
    CHECK(trama::read_some(file.get(), memory, 4, "x") == 4);
    CHECK(std::string(memory, 4) == "insi");
    CHECK(trama::read_some(file.get(), memory, 4, "x") == 2);
    CHECK(trama::read_some(file.get(), memory, 4, "x") == 0);
}

TEST_CASE("read_some says why it could not", "[file]") {
    char byte = 0;
    const auto failed =
        file_failure_of([&] { static_cast<void>(trama::read_some(-1, &byte, 1, "a\nb")); });
    CHECK(failed.code == std::errc::bad_file_descriptor);
    CHECK(failed.text == "read a\\nb: " + test::reason(EBADF));
}

#if defined(__linux__)
#ifdef SYS_fcntl64
constexpr long fcntl_number = SYS_fcntl64;
#else
constexpr long fcntl_number = SYS_fcntl;
#endif

TEST_CASE_METHOD(two_folders, "a folder that cannot be listed, or not to its end, is an error",
                 "[file]") {
    if (!test::can_refuse_calls()) return test::skip("no seccomp filters here");
    const bool is_opened = GENERATE(true, false);
    test::in_background([&] {
        const folder open = files();
        const long call = is_opened ? SYS_getdents64 : fcntl_number;  // that of fdopendir(3)
        test::refuse_call(call, EIO);
        const auto failed = file_failure_of([&] { static_cast<void>(sizes_in(open)); });
        // The fdopendir(3) of musl says EBADF.
        CHECK((failed.code == std::errc::io_error ||
               (!is_opened && failed.code == std::errc::bad_file_descriptor)));
        CHECK(failed.text == "list " + open.path() + ": " + test::reason(failed.code.value()));
    }).get();
}
#endif
