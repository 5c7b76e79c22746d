// An atomic_file is wholly there, or not at all, and nothing is left of it that is not wanted.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "files.hpp"
#include "refused_calls.hpp"

#include <atomic>
#include <memory>

#include <sys/wait.h>

using test::bytes_at;
using test::file_failure_of;
using test::make_file;
using test::net_test;
using test::temporary_folder;
using test::write_to;
using trama::atomic_file;
using trama::file_error;
using trama::folder;
using trama::unique_fd;

namespace {

using names = std::set<std::string>;

static_assert(!std::is_copy_constructible_v<atomic_file>);
static_assert(!std::is_copy_assignable_v<atomic_file>);
static_assert(std::is_nothrow_move_constructible_v<atomic_file>);
static_assert(std::is_nothrow_move_assignable_v<atomic_file>);

/// A folder with the file "data" in it, which holds "old".
struct old_file : net_test {
    old_file() { make_file(where / "data", "old"); }

    folder files() const { return folder(where.path()); }
    names present() const { return test::names_in(where.path()); }
    std::string data() const { return bytes_at(where / "data"); }

    /// "data" is as it was, and alone.
    void check_untouched() const {
        CHECK(data() == "old");
        CHECK(present() == names{"data"});
    }

    temporary_folder where;
};

atomic_file written(const folder& files, const std::string& name, std::string_view bytes) {
    atomic_file file(files, name);
    write_to(file.fd(), bytes);
    return file;
}

/// The descriptors that `make` opened.
template <typename Make>
std::set<int> opened_by(Make make) {
    const std::set<int> before = test::open_descriptors();
    make();
    std::set<int> opened = test::open_descriptors();
    for (const int fd : before) opened.erase(fd);
    return opened;
}

}  // namespace

TEST_CASE_METHOD(old_file, "the old file stays until the commit, and then the new one is whole",
                 "[file]") {
    const unique_fd reader = files().open("data");
    atomic_file file = written(files(), "data", "something new");
    CHECK(data() == "old");
    file.commit();
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
    CHECK(test::bytes_of(reader) == "old");  // who has it open still reads the old one
}

TEST_CASE_METHOD(old_file, "a file that was not there appears with the commit", "[file]") {
    atomic_file file = written(files(), "new", "something new");
    CHECK_FALSE(present().count("new"));
    file.commit();
    CHECK(bytes_at(where / "new") == "something new");
    CHECK(present() == names{"data", "new"});
}

TEST_CASE_METHOD(old_file, "an empty file is a file", "[file]") {
    atomic_file(files(), "data").commit();
    CHECK(data().empty());
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "nothing is left of what was not committed", "[file]") {
    written(files(), "data", "something new");
    written(files(), "new", "something new");
    check_untouched();
}

TEST_CASE_METHOD(old_file, "nothing is left when an exception ends the writing", "[file]") {
    const auto fail = [&] {
        const atomic_file file = written(files(), "data", "something new");
        throw std::runtime_error("the peer has gone");
    };
    CHECK_THROWS_WITH(fail(), "the peer has gone");
    check_untouched();
}

TEST_CASE_METHOD(old_file, "the file is closed by the commit, and in programs that are started",
                 "[file]") {
    atomic_file file(files(), "data");
    CHECK(test::is_closed_on_exec(file.fd()));
    for (const int fd : opened_by([&] { file = atomic_file(files(), "data"); }))
        CHECK(test::is_closed_on_exec(fd));
    file.commit();
    CHECK(file.fd() == -1);
}

TEST_CASE_METHOD(old_file, "what was written can be read again before the commit", "[file]") {
    const atomic_file file = written(files(), "data", "something new");
    char memory[9];
    CHECK(::pread(file.fd(), memory, sizeof memory, 0) == 9);
    CHECK(std::string(memory, sizeof memory) == "something");
}

TEST_CASE_METHOD(old_file, "nobody may run the file, or write to it as somebody else", "[file]") {
    ::chmod((where / "data").c_str(), 06777);
    const mode_t before = ::umask(GENERATE(mode_t{0}, mode_t{022}));
    atomic_file(files(), "data").commit();
    ::umask(before);
    struct stat status {};
    ::stat((where / "data").c_str(), &status);
    CHECK((status.st_mode & 07777U) == 0644U);
}

TEST_CASE_METHOD(old_file, "a name that is not plain is refused, and nothing is made", "[file]") {
    for (const std::string& name : test::other_names) {
        INFO(trama::escaped(name, 300));
        const auto failed = file_failure_of([&] { return atomic_file(files(), name); });
        CHECK(failed.code == std::errc::invalid_argument);
    }
    const auto failed = file_failure_of([&] { return atomic_file(files(), "../data"); });
    CHECK(failed.text == "write " + where.path() + "/../data: " + test::reason(EINVAL));
    check_untouched();
}

TEST_CASE_METHOD(old_file, "every plain name can be written", "[file]") {
    for (const std::string& name : test::plain_names) {
        INFO(trama::escaped(name));
        written(files(), name, "here").commit();
        CHECK(present() == names{"data", name});
        CHECK(bytes_at(where / name) == "here");
        ::unlink((where / name).c_str());
    }
}

TEST_CASE_METHOD(old_file, "a link of that name is replaced, and what it leads to stays",
                 "[file]") {
    REQUIRE(::symlink("data", (where / "link").c_str()) == 0);
    written(files(), "link", "something new").commit();
    CHECK(data() == "old");
    CHECK(bytes_at(where / "link") == "something new");
    struct stat status {};
    ::lstat((where / "link").c_str(), &status);
    CHECK(S_ISREG(status.st_mode));
}

TEST_CASE_METHOD(old_file, "the other names of the old file keep the old bytes", "[file]") {
    REQUIRE(::link((where / "data").c_str(), (where / "second").c_str()) == 0);
    written(files(), "data", "something new").commit();
    CHECK(bytes_at(where / "second") == "old");
}

TEST_CASE_METHOD(old_file, "a folder is not replaced by a file", "[file]") {
    ::mkdir((where / "folder").c_str(), 0755);
    {
        atomic_file file = written(files(), "folder", "something new");
        const auto failed = file_failure_of([&] { return file.commit(); });
        CHECK(failed.code == std::errc::is_a_directory);
        CHECK(failed.text ==
              "rename a temporary file to " + where.path() + "/folder: " + test::reason(EISDIR));
    }
    CHECK(present() == names{"data", "folder"});
}

TEST_CASE_METHOD(old_file, "a folder renamed or replaced meanwhile gets the file all the same",
                 "[file]") {
    const folder files = folder::make(where / "files");
    const temporary_folder elsewhere;
    atomic_file file = written(files, "new", "something new");
    std::rename((where / "files").c_str(), (where / "renamed").c_str());
    REQUIRE(::symlink(elsewhere.path().c_str(), (where / "files").c_str()) == 0);
    file.commit();
    CHECK(bytes_at(where / "renamed/new") == "something new");
    CHECK(test::names_in(elsewhere.path()).empty());
    written(files, "given up", "something new");
    CHECK(test::names_in(where / "renamed") == names{"new"});
}

TEST_CASE_METHOD(old_file, "the file outlives the folder object that it was started in", "[file]") {
    auto files = std::make_unique<folder>(where.path());
    atomic_file kept = written(*files, "data", "something new");
    auto given_up = std::make_unique<atomic_file>(*files, "given up");
    files.reset();
    kept.commit();
    given_up.reset();
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "a file that is being written is not listed, and nobody can open it",
                 "[file]") {
    const folder files = this->files();
    const atomic_file file = written(files, "new", "something new");
    names listed;
    files.each_file([&](const std::string& name, const struct stat&) { listed.insert(name); });
    CHECK(listed == names{"data"});
    for (const std::string& name : present())
        if (name != "data") CHECK_THROWS_AS(files.open(name), file_error);
}

TEST_CASE_METHOD(old_file, "no file can get a name by which the next start would clear it away",
                 "[file]") {
    const atomic_file file(files(), "new");
    names temporary = present();
    temporary.erase("data");
    REQUIRE(temporary.size() == 1);
    const std::string name = *temporary.begin() + "1";
    CHECK(file_failure_of([&] { return atomic_file(files(), name); }).code ==
          std::errc::invalid_argument);
    CHECK_FALSE(trama::is_plain_name(name));
}

// ---- only under a name that is free -------------------------------------------------------------

TEST_CASE_METHOD(old_file, "commit_new replaces nothing, and can then try another name", "[file]") {
    ::mkdir((where / "folder").c_str(), 0755);
    REQUIRE(::symlink("nowhere", (where / "link").c_str()) == 0);
    atomic_file file = written(files(), "data", "something new");
    for (const char* taken : {"data", "folder", "link"}) CHECK_FALSE(file.commit_new(taken));
    CHECK(data() == "old");
    CHECK(file.fd() != -1);
    CHECK(file.commit_new("data.1"));
    CHECK(bytes_at(where / "data.1") == "something new");
    CHECK(file.fd() == -1);
    CHECK(present() == names{"data", "data.1", "folder", "link"});
}

TEST_CASE_METHOD(old_file, "nothing is left when commit_new found no free name", "[file]") {
    CHECK_FALSE(written(files(), "data", "something new").commit_new("data"));
    check_untouched();
}

TEST_CASE_METHOD(old_file, "after commit_new said no, commit replaces the file", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    CHECK_FALSE(file.commit_new("data"));
    file.commit();
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "commit_new takes no name that is not plain", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    for (const std::string& name : test::other_names)
        CHECK(file_failure_of([&] { return static_cast<void>(file.commit_new(name)); }).code ==
              std::errc::invalid_argument);
    CHECK(file_failure_of([&] { return static_cast<void>(file.commit_new(".trama-1-1")); }).code ==
          std::errc::invalid_argument);
    CHECK(file.commit_new("new"));
    CHECK(present() == names{"data", "new"});
}

TEST_CASE_METHOD(old_file, "of two that want a free name, one gets it", "[file]") {
    atomic_file first = written(files(), "data", "the first");
    atomic_file second = written(files(), "data", "the second");
    CHECK(first.commit_new("new"));
    CHECK_FALSE(second.commit_new("new"));
    CHECK(bytes_at(where / "new") == "the first");
}

TEST_CASE_METHOD(old_file, "commit_new says what it could not do", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    for (const std::string& name : present())
        if (name != "data") ::unlink((where / name).c_str());
    CHECK(file_failure_of([&] { return static_cast<void>(file.commit_new("new")); }).code ==
          std::errc::no_such_file_or_directory);
    const unique_fd socket(::socket(AF_INET, SOCK_STREAM, 0));
    ::dup2(socket.get(), file.fd());
    CHECK(file_failure_of([&] { return static_cast<void>(file.commit_new("new")); }).code ==
          std::errc::invalid_argument);
    check_untouched();
}

// ---- on file systems that lack a call
// ------------------------------------------------------------

#if defined(__linux__)
namespace {

/// The fixture of these tests.
struct lacking_system : old_file {
    const bool is_possible = test::can_refuse_calls();
};

constexpr const char* not_possible = "no seccomp filters here";

/// Does `work` in a thread in which each of the calls is refused with its error.
template <typename Work>
void while_refused(const std::vector<std::pair<long, int>>& calls, Work work) {
    test::in_background([&] {
        for (const auto& [number, error] : calls) test::refuse_call(number, error);
        work();
    }).get();
}

/// What is refused: linkat alone, or renameat2 with it. Then the last way is taken.
auto every_lack() {
    using calls = std::vector<std::pair<long, int>>;
    return GENERATE(calls{{SYS_linkat, EPERM}}, calls{{SYS_linkat, ENOSYS}},
                    calls{{SYS_linkat, EOPNOTSUPP}}, calls{{SYS_linkat, EMLINK}},
                    calls{{SYS_linkat, EPERM}, {SYS_renameat2, EINVAL}},
                    calls{{SYS_linkat, EPERM}, {SYS_renameat2, ENOSYS}});
}

}  // namespace

TEST_CASE_METHOD(lacking_system,
                 "without hard links commit_new stores as well, and replaces nothing", "[file]") {
    if (!is_possible) return test::skip(not_possible);
    ::mkdir((where / "folder").c_str(), 0755);
    REQUIRE(::symlink("nowhere", (where / "link").c_str()) == 0);
    while_refused(every_lack(), [&] {
        atomic_file file = written(files(), "data", "something new");
        for (const char* taken : {"data", "folder", "link"}) CHECK_FALSE(file.commit_new(taken));
        CHECK(file.commit_new("data.1"));
        CHECK(file.fd() == -1);
    });
    CHECK(data() == "old");
    CHECK(bytes_at(where / "data.1") == "something new");
    CHECK(present() == names{"data", "data.1", "folder", "link"});
}

TEST_CASE_METHOD(lacking_system, "without hard links a name is not taken from a faster program",
                 "[file]") {
    if (!is_possible) return test::skip(not_possible);
    // Past the first look, which finds nothing: what name_file() does when it comes second.
    while_refused(every_lack(), [&] {
        make_file(where / "mine", "something new");
        const auto named = trama::trama_detail::name_file(files().fd(), "mine", "data");
        CHECK(named.error == EEXIST);
    });
    CHECK(data() == "old");
    CHECK(bytes_at(where / "mine") == "something new");
}

TEST_CASE_METHOD(lacking_system, "of many that want a free name without hard links, one gets it",
                 "[file]") {
    if (!is_possible) return test::skip(not_possible);
    const auto lack = every_lack();
    for (int i = 0; i < 30; ++i) {
        const std::string name = std::to_string(i);
        std::atomic<int> winners{0};
        const auto compete = [&] {
            while_refused(lack, [&] {
                if (written(files(), "data", "whole").commit_new(name)) ++winners;
            });
        };
        auto first = test::in_background(compete);
        auto second = test::in_background(compete);
        first.get();
        second.get();
        CHECK(winners == 1);
        CHECK(bytes_at(where / name) == "whole");
    }
    CHECK(present().size() == 31);
}

TEST_CASE_METHOD(lacking_system, "no empty file is left where a file could not be named",
                 "[file]") {
    if (!is_possible) return test::skip(not_possible);
    while_refused({{SYS_linkat, EPERM}, {SYS_renameat2, EINVAL}, {SYS_renameat, EIO}}, [&] {
        atomic_file file = written(files(), "data", "something new");
        const auto failed =
            file_failure_of([&] { return static_cast<void>(file.commit_new("new")); });
        CHECK(failed.code == std::errc::io_error);
    });
    check_untouched();
}

TEST_CASE_METHOD(lacking_system,
                 "a folder that cannot be asked to be safe on the disk is no failure", "[file]") {
    if (!is_possible) return test::skip(not_possible);
    const int error = GENERATE(EINVAL, ENOSYS);
    test::in_background([&] {
        for (const char* name : {"data", "new"}) {
            std::unique_ptr<atomic_file> file;
            const std::set<int> opened =
                opened_by([&] { file = std::make_unique<atomic_file>(files(), "data"); });
            write_to(file->fd(), "something new");
            for (const int fd : opened)
                if (fd != file->fd()) test::refuse_call(SYS_fsync, error, fd);
            if (name == std::string("data")) {
                file->commit();
            } else {
                CHECK(file->commit_new("new"));
            }
        }
    }).get();
    CHECK(data() == "something new");
    CHECK(bytes_at(where / "new") == "something new");
}

TEST_CASE_METHOD(lacking_system, "a disk that fails is a failure, of the file and of its folder",
                 "[file]") {
    if (!is_possible) return test::skip(not_possible);
    const bool is_file = GENERATE(false, true);
    test::in_background([&] {
        std::unique_ptr<atomic_file> file;
        const std::set<int> opened =
            opened_by([&] { file = std::make_unique<atomic_file>(files(), "data"); });
        for (const int fd : opened)
            if ((fd == file->fd()) == is_file) test::refuse_call(SYS_fsync, EIO, fd);
        CHECK(file_failure_of([&] { return file->commit(); }).code == std::errc::io_error);
    }).get();
    CHECK(data() == (is_file ? "old" : ""));
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(lacking_system, "a new folder that cannot be asked to be safe is there",
                 "[file]") {
    if (!is_possible) return test::skip(not_possible);
    const folder all = files();
    const int error = GENERATE(EINVAL, ENOSYS);
    while_refused({{SYS_fsync, error}}, [&] {
        atomic_file file(all.make_inside("deeper"), "new");
        CHECK(file_failure_of([&] { return file.commit(); }).code ==
              std::error_code(error, std::system_category()));  // fsync of a file must work
    });
    CHECK(present() == names{"data", "deeper"});
}
#endif

// ---- two of one name ---------------------------------------------------------------------------

TEST_CASE_METHOD(old_file, "of two writers of one name, the one that commits last wins, whole",
                 "[file]") {
    atomic_file first = written(files(), "data", "the fi");
    atomic_file second = written(files(), "data", "the second");
    write_to(first.fd(), "rst");
    second.commit();
    CHECK(data() == "the second");
    first.commit();
    CHECK(data() == "the first");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "many writers of one name in many threads leave one of them, whole",
                 "[file]") {
    const folder files = this->files();
    const auto write_often = [&](char letter) {
        return [&files, letter] {
            for (int i = 0; i < 50; ++i)
                written(files, "data", std::string(10000, letter)).commit();
        };
    };
    auto first = test::in_background(write_often('1'));
    auto second = test::in_background(write_often('2'));
    auto third = test::in_background(write_often('3'));
    first.get();
    second.get();
    third.get();
    const std::string seen = data();
    CHECK(seen == std::string(10000, seen.front()));
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "who reads while others write sees a whole file, always", "[file]") {
    written(files(), "data", std::string(100000, 'a')).commit();
    std::atomic<bool> over{false};
    auto writer = test::in_background([&] {
        for (char letter = 'a'; !over; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1))
            written(files(), "data", std::string(100000, letter)).commit();
    });
    int torn = 0;
    std::set<char> letters;
    for (int i = 0; i < 100000 && letters.size() < 5; ++i) {
        const std::string seen = data();
        letters.insert(seen.empty() ? '-' : seen.front());
        if (seen != std::string(100000, seen.empty() ? '-' : seen.front())) ++torn;
    }
    over = true;
    writer.get();
    CHECK(letters.size() == 5);
    CHECK(torn == 0);
}

// ---- when it fails -----------------------------------------------------------------------------

TEST_CASE_METHOD(old_file, "a second commit fails, and the first one holds", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    file.commit();
    CHECK_THROWS_AS(file.commit(), file_error);
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "a file that cannot be made safe on the disk is not given its name",
                 "[file]") {
    {
        atomic_file file = written(files(), "data", "something new");
        const unique_fd socket(::socket(AF_INET, SOCK_STREAM, 0));
        ::dup2(socket.get(), file.fd());  // fsync refuses it
        const auto failed = file_failure_of([&] { return file.commit(); });
        CHECK(failed.code == std::errc::invalid_argument);
        CHECK(failed.text ==
              "write to the disk " + where.path() + "/data: " + test::reason(EINVAL));
    }
    check_untouched();
}

TEST_CASE_METHOD(old_file, "a temporary file that somebody deleted cannot be committed", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    for (const std::string& name : present())
        if (name != "data") ::unlink((where / name).c_str());
    const auto failed = file_failure_of([&] { return file.commit(); });
    CHECK(failed.code == std::errc::no_such_file_or_directory);
    CHECK(failed.text ==
          "rename a temporary file to " + where.path() + "/data: " + test::reason(ENOENT));
    check_untouched();
}

#ifdef O_PATH
TEST_CASE_METHOD(old_file, "a name that cannot be made safe on the disk is there, and an error",
                 "[file]") {
    std::unique_ptr<atomic_file> file;
    const std::set<int> opened =
        opened_by([&] { file = std::make_unique<atomic_file>(files(), "data"); });
    REQUIRE(opened.size() == 2);
    // In place of the folder: the same one, but open for less than an fsync needs.
    const unique_fd folder_only(::open(where.path().c_str(), O_PATH));
    for (const int fd : opened)
        if (fd != file->fd()) ::dup2(folder_only.get(), fd);
    CHECK(file_failure_of([&] { return file->commit(); }).code == std::errc::bad_file_descriptor);
    file.reset();
    CHECK(data().empty());
    CHECK(present() == names{"data"});
}
#endif

TEST_CASE_METHOD(old_file, "without a free descriptor nothing is made", "[file]") {
    const folder files = this->files();
    const rlim_t next = static_cast<rlim_t>(unique_fd(::dup(0)).get());
    const rlim_t free = GENERATE(0U, 1U);
    {
        const test::lower_limit<RLIMIT_NOFILE> limit(next + free);
        CHECK(file_failure_of([&] { return atomic_file(files, "data"); }).code ==
              std::errc::too_many_files_open);
    }
    check_untouched();
}

TEST_CASE_METHOD(old_file, "in a folder that was deleted nothing can be written", "[file]") {
    const folder files = folder::make(where / "files");
    ::rmdir((where / "files").c_str());
    CHECK(file_failure_of([&] { return atomic_file(files, "new"); }).code ==
          std::errc::no_such_file_or_directory);
}

// ---- moves -------------------------------------------------------------------------------------

TEST_CASE_METHOD(old_file, "a file that was moved is committed where it was moved to", "[file]") {
    atomic_file first = written(files(), "data", "some");
    const int fd = first.fd();
    atomic_file second(std::move(first));
    CHECK(first.fd() == -1);
    CHECK(second.fd() == fd);
    CHECK_THROWS_AS(first.commit(), file_error);
    write_to(second.fd(), "thing new");
    second.commit();
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "what a file is moved over is given up", "[file]") {
    atomic_file file = written(files(), "given up", "x");
    file = written(files(), "data", "something new");
    CHECK(present().size() == 2);
    file.commit();
    CHECK(data() == "something new");
    CHECK(present() == names{"data"});
    file = written(files(), "new", "again");  // also over one that was committed
    file.commit();
    CHECK(present() == names{"data", "new"});
}

TEST_CASE_METHOD(old_file, "a child that forks while a file is written does not take it away",
                 "[file]") {
    atomic_file file = written(files(), "data", "new");
    const pid_t child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        { const atomic_file given_up = std::move(file); }
        ::_exit(0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    file.commit();
    CHECK(data() == "new");
    CHECK(present() == names{"data"});
}

TEST_CASE_METHOD(old_file, "a file that is moved to itself stays", "[file]") {
    atomic_file file = written(files(), "data", "something new");
    atomic_file& same = file;
    file = std::move(same);
    file.commit();
    CHECK(data() == "something new");
}
