// atoi_length -- a server of framed messages that accepts headers that are none
// Run: ./atoi_length PORT
// Wrong: atoi takes "00000a" for 0 and "+00004" for 4.
#include "zoo.hpp"

/// Returns false at the end of the stream.
bool answer(int client) {
    const std::string header = zoo::receive_exactly(client, 7);
    if (header.size() < 7) return false;
    const auto size = static_cast<std::size_t>(std::atoi(header.c_str()));  // the error
    const std::string payload = zoo::receive_exactly(client, size);
    if (payload.size() < size) return false;
    const std::string digits = std::to_string(size);
    return zoo::send_all(client, std::string(6 - digits.size(), '0') + digits + ':' + payload);
}

int main(int, char** argv) {
    zoo::serve_one_after_another(zoo::listen_at(argv[1]), answer);
}
