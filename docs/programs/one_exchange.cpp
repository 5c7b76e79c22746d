// one_exchange -- a question and an answer in frames, both ends in one program
//
//   TRAMA_TRACE=1 one_exchange      what every system call and every frame did
//
// The system keeps what is sent until it is received, so one thread can use both ends.
#include "trama.hpp"

using framed = trama::framed_stream<trama::six_digit_colon>;

int main() {
    // [region exchange]
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    framed client(trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port()));
    framed server(listener.accept());

    client.send_frame("hola");
    const auto question = server.recv_frame();
    server.send_frame(*question + ", mundo");
    const auto answer = client.recv_view();

    client.stream().shutdown_send();
    const auto last = server.recv_frame();  // nullopt: the client has closed
    // [/region exchange]
    return answer && !last ? 0 : 1;
}
