// unique_fd closes what it owns, once, and never what it does not own.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

using trama::unique_fd;

namespace {

int new_descriptor() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<unique_fd> && !std::is_copy_assignable_v<unique_fd>);
static_assert(std::is_nothrow_move_constructible_v<unique_fd>);
static_assert(std::is_nothrow_move_assignable_v<unique_fd>);
static_assert(!std::is_convertible_v<int, unique_fd>, "an int must not be owned by accident");
static_assert(sizeof(unique_fd) == sizeof(int));

TEST_CASE_METHOD(test::net_test, "a unique_fd owns nothing until it is given something", "[net]") {
    const unique_fd none;
    CHECK(none.get() == -1);
    CHECK_FALSE(none);
}

TEST_CASE_METHOD(test::net_test, "a unique_fd closes its descriptor at the end of its life",
                 "[net]") {
    const int number = new_descriptor();
    {
        const unique_fd owner(number);
        CHECK(owner);
        CHECK(owner.get() == number);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE_METHOD(test::net_test, "descriptor 0 is one like any other", "[net]") {
    const unique_fd saved(::fcntl(0, F_DUPFD_CLOEXEC, 3));
    {
        const unique_fd standard_input(0);
        CHECK(standard_input);
    }
    CHECK_FALSE(is_open(0));
    ::dup2(saved.get(), 0);
}

TEST_CASE_METHOD(test::net_test, "moving a unique_fd moves the duty to close", "[net]") {
    const int number = new_descriptor();
    unique_fd first(number);
    unique_fd second(std::move(first));
    CHECK(first.get() == -1);
    CHECK(second.get() == number);
    unique_fd third;
    third = std::move(second);
    CHECK(third.get() == number);
    CHECK(is_open(number));
}

TEST_CASE_METHOD(test::net_test, "a move to a unique_fd closes what it had before", "[net]") {
    const int old_number = new_descriptor();
    const int new_number = new_descriptor();
    unique_fd owner(old_number);
    owner = unique_fd(new_number);
    CHECK_FALSE(is_open(old_number));
    CHECK(is_open(new_number));
}

TEST_CASE_METHOD(test::net_test, "a unique_fd moved to itself keeps its descriptor", "[net]") {
    const int number = new_descriptor();
    unique_fd owner(number);
    unique_fd& the_same = owner;
    owner = std::move(the_same);
    CHECK(owner.get() == number);
    CHECK(is_open(number));
}

TEST_CASE_METHOD(test::net_test, "release gives the descriptor away, still open", "[net]") {
    unique_fd owner(new_descriptor());
    const int number = owner.release();
    CHECK_FALSE(owner);
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE_METHOD(test::net_test, "reset closes once, and a second reset closes nothing", "[net]") {
    const int number = new_descriptor();
    unique_fd owner(number);
    owner.reset();
    CHECK_FALSE(is_open(number));
    const unique_fd somebody_else(new_descriptor());
    REQUIRE(somebody_else.get() == number);  // the system gives the lowest free number
    owner.reset();
    CHECK(is_open(number));
}

TEST_CASE_METHOD(test::net_test, "200 resets in a row leave no descriptor behind", "[net]") {
    const auto before = test::open_descriptors().size();
    unique_fd owner;
    for (int i = 0; i < 200; ++i) owner.reset(new_descriptor());
    CHECK(test::open_descriptors().size() == before + 1);
}
