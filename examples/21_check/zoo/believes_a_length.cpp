// believes_a_length -- a server of framed messages that answers with bytes that never came
// Run: ./believes_a_length PORT
// Wrong: the buffer has the announced size, and nobody counts what recv returned.
#include "zoo.hpp"

bool is_header(const std::string& bytes) {
    return bytes.size() == 7 && bytes.find_first_not_of("0123456789") == 6 && bytes[6] == ':';
}

/// Returns false at the end of the stream.
bool answer(int client) {
    const std::string header = zoo::receive_exactly(client, 7);
    if (!is_header(header)) return false;
    std::string payload = zoo::receive_exactly(client, std::stoul(header));
    payload.resize(std::stoul(header));  // the error: it fills up with bytes 0
    return zoo::send_all(client, header + payload);
}

int main(int, char** argv) {
    zoo::serve_one_after_another(zoo::listen_at(argv[1]), answer);
}
