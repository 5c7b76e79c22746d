// no_reuse_address -- an echo server that cannot start again for a minute
// Run: ./no_reuse_address PORT
// Wrong: the option SO_REUSEADDR is not set before bind.
#include "zoo.hpp"

int main(int, char** argv) {
    const int listener = zoo::listen_at(argv[1], false);  // the error
    for (;;) {
        const int client = zoo::accept_from(listener);
        std::string bytes = zoo::receive(client);
        while (!bytes.empty() && bytes != "." && zoo::send_all(client, bytes)) {
            bytes = zoo::receive(client);
        }
        ::close(client);
    }
}
