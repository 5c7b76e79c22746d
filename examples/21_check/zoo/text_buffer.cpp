// text_buffer -- an echo server that takes bytes for a text of C
// Run: ./text_buffer PORT
// Wrong: strlen stops at the first byte 0, so the rest is lost.
#include "zoo.hpp"

int main(int, char** argv) {
    const int listener = zoo::listen_at(argv[1]);
    for (;;) {
        const int client = zoo::accept_from(listener);
        std::string bytes = zoo::receive(client);
        while (!bytes.empty() && bytes != ".") {
            zoo::send_all(client, bytes.c_str());  // the error
            bytes = zoo::receive(client);
        }
        ::close(client);
    }
}
