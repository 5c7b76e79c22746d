// dies_of_sigpipe -- an echo server that a client ends by leaving before its answer
// Run: ./dies_of_sigpipe PORT
// Wrong: send without MSG_NOSIGNAL. man 2 send
#include "zoo.hpp"

bool answer(int client, const std::string& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count =
            ::send(client, bytes.data() + done, bytes.size() - done, 0);  // the error: flags 0
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

int main(int, char** argv) {
    const int listener = zoo::listen_at(argv[1]);
    for (;;) {
        const int client = zoo::accept_from(listener);
        std::string bytes = zoo::receive(client);
        while (!bytes.empty() && bytes != "." && answer(client, bytes)) {
            bytes = zoo::receive(client);
        }
        ::close(client);
    }
}
