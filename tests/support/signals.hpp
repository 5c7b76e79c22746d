// SIGINT and SIGTERM as a test wants them: Catch2 sets handlers of its own.
#pragma once

#include <csignal>

namespace test {

using handler = void (*)(int);

/// While it lives, SIGINT and SIGTERM have this handler or action.
class signals_are {
public:
    explicit signals_are(handler present) {
        struct sigaction action {};
        action.sa_handler = present;
        ::sigaction(SIGINT, &action, &before_[0]);
        ::sigaction(SIGTERM, &action, &before_[1]);
    }
    signals_are(const signals_are&) = delete;
    signals_are& operator=(const signals_are&) = delete;
    ~signals_are() {
        ::sigaction(SIGINT, &before_[0], nullptr);
        ::sigaction(SIGTERM, &before_[1], nullptr);
    }

private:
    struct sigaction before_[2] = {};
};

}  // namespace test
