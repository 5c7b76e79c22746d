// loses_the_rest -- an echo server for many clients that loses what send did not take
// Run: ./loses_the_rest PORT
// Wrong: on a socket that does not block, send may take a part, and returns how many bytes.
#include "zoo.hpp"

#include <vector>

/// Returns false if the client has left.
bool serve(int client) {
    const std::string bytes = zoo::receive(client);
    ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);  // the error
    return !bytes.empty();
}

int main(int, char** argv) {
    std::vector<pollfd> sockets{{zoo::listen_at(argv[1]), POLLIN, 0}};
    for (;;) {
        ::poll(sockets.data(), static_cast<nfds_t>(sockets.end() - sockets.begin()), -1);
        for (std::size_t i = sockets.size() - 1; i > 0; --i) {
            if (sockets[i].revents == 0 || serve(sockets[i].fd)) continue;
            ::close(sockets[i].fd);
            sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (sockets[0].revents != 0)
            sockets.push_back({zoo::accept_from(sockets[0].fd), POLLIN, 0});
    }
}
