// counts_the_zero -- sends hola and adios, and the byte 0 behind each
// Run: ./counts_the_zero PORT
// Wrong: sizeof counts the byte 0 at the end of a string of C; strlen does not.
#include "zoo.hpp"

int main(int, char** argv) {
    const int receiver = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = zoo::address_of(argv[1]);
    const auto* general = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(receiver, general, sizeof address) != 0) return 1;
    const char first[] = "hola";
    const char second[] = "adios";
    ::send(receiver, first, sizeof first, MSG_NOSIGNAL);  // the error, twice
    ::send(receiver, second, sizeof second, MSG_NOSIGNAL);
    ::close(receiver);
}
