// libuv -- an echo server on libuv (apt-get install libuv1-dev).
//
// Build  g++ -std=c++17 -O2 libuv.cpp -o libuv -luv
// Run    ./libuv --port 5000 [--framed]
//
// As quick as libuv gets: all connections share one receive buffer, and an answer is tried at once
// (uv_try_write); only what the kernel does not take becomes a request with memory of its own.
#include "rival.hpp"

#include <uv.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace {

bool framed = false;
std::array<char, rival::receive_size> received;
std::string answers;

struct connection {
    uv_tcp_t socket{};
    uv_write_t writing{};
    std::string unsent;
    rival::frame_echo frames;
};

void start_receiving(connection& from);

/// libuv's handles and requests carry a void* for us: it points at their connection.
template <typename Handle>
connection& owner(Handle* handle) {
    return *static_cast<connection*>(handle->data);
}
uv_stream_t* stream(connection& with) {
    return reinterpret_cast<uv_stream_t*>(&with.socket);
}

void close(connection& with) {
    uv_close(reinterpret_cast<uv_handle_t*>(&with.socket),
             [](uv_handle_t* handle) { delete &owner(handle); });
}

void send_rest(connection& to, std::string_view bytes) {
    uv_read_stop(stream(to));
    to.unsent = bytes;
    to.writing.data = &to;
    const uv_buf_t rest =
        uv_buf_init(to.unsent.data(), static_cast<unsigned int>(to.unsent.size()));
    uv_write(&to.writing, stream(to), &rest, 1, [](uv_write_t* written, int status) {
        connection& with = owner(written);
        rival::release(with.unsent);
        if (status < 0) {
            close(with);
        } else {
            start_receiving(with);
        }
    });
}

void send(connection& to, std::string_view bytes) {
    // libuv does not change what it is to send, but asks for char*.
    const uv_buf_t all =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned int>(bytes.size()));
    const int result = uv_try_write(stream(to), &all, 1);
    if (result < 0 && result != UV_EAGAIN) return close(to);
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (sent < bytes.size()) send_rest(to, bytes.substr(sent));
}

void answer(connection& with, std::string_view came) {
    if (!framed) return send(with, came);
    answers.clear();
    if (!with.frames.answer(came, answers)) return close(with);
    if (!answers.empty()) send(with, answers);
}

void start_receiving(connection& from) {
    uv_read_start(
        stream(from),
        [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
            *buffer = uv_buf_init(received.data(), static_cast<unsigned int>(received.size()));
        },
        [](uv_stream_t* socket, ssize_t count, const uv_buf_t*) {
            if (count > 0)
                answer(owner(socket), {received.data(), static_cast<std::size_t>(count)});
            if (count < 0) close(owner(socket));
        });
}

void accept(uv_stream_t* listener, int status) {
    if (status < 0) return;
    auto accepted = std::make_unique<connection>();
    uv_tcp_init(listener->loop, &accepted->socket);
    accepted->socket.data = accepted.get();
    connection& with = *accepted.release();
    if (uv_accept(listener, stream(with)) == 0) {
        start_receiving(with);
    } else {
        close(with);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const rival::options given = rival::parse(argc, argv);
    framed = given.framed;
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t listener;
    uv_tcp_init(loop, &listener);
    if (uv_tcp_open(&listener, rival::listen_on(given.port)) != 0 ||
        uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, accept) != 0)
        rival::fail("uv_listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
