// spins_at_the_end -- an echo server that never leaves a client: recv returns 0 for ever
// Run: ./spins_at_the_end PORT
// Wrong: the end of the stream is not told from "nothing yet".
#include "zoo.hpp"

int main(int, char** argv) {
    const int listener = zoo::listen_at(argv[1]);
    for (;;) {
        const int client = zoo::accept_from(listener);
        std::string bytes = zoo::receive(client);
        while (bytes != ".") {  // the error: bytes may be empty
            zoo::send_all(client, bytes);
            bytes = zoo::receive(client);
        }
        ::close(client);
    }
}
