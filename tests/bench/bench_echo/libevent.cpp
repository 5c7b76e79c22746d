// libevent -- an echo server on libevent's buffered connections (apt-get install libevent-dev).
//
// Build  g++ -std=c++17 -O2 libevent.cpp -o libevent -levent_core
// Run    ./libevent --port 5000 [--framed]
//
// Bytes are moved from the input to the output buffer as they came, frames with their headers; raw
// ones are never copied.
#include "rival.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <array>

namespace {

bool framed = false;

/// Answers the whole frames; false: the peer says that a frame is longer than we take.
bool answer_frames(evbuffer* input, evbuffer* output) {
    std::array<char, rival::header_size> header{};
    while (evbuffer_copyout(input, header.data(), header.size()) == ssize_t{header.size()}) {
        const std::size_t whole = header.size() + rival::read_length(header.data());
        if (whole > header.size() + rival::frame_limit) return false;
        if (evbuffer_get_length(input) < whole) return true;
        evbuffer_remove_buffer(input, output, whole);
    }
    return true;
}

/// While a peer does not take its answers, nothing more is read from it.
void pause_if_slow(bufferevent* with) {
    if (evbuffer_get_length(bufferevent_get_output(with)) > rival::receive_size)
        bufferevent_disable(with, EV_READ);
}

void answer(bufferevent* with, void*) {
    evbuffer* input = bufferevent_get_input(with);
    evbuffer* output = bufferevent_get_output(with);
    if (!framed) {
        evbuffer_add_buffer(output, input);
    } else if (!answer_frames(input, output)) {
        return bufferevent_free(with);
    }
    pause_if_slow(with);
}

void all_sent(bufferevent* with, void*) {
    if ((bufferevent_get_enabled(with) & EV_READ) == 0) bufferevent_enable(with, EV_READ);
}

void ended(bufferevent* with, short, void*) {
    bufferevent_free(with);
}

void accept(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
    event_base* base = evconnlistener_get_base(listener);
    bufferevent* accepted = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(accepted, answer, all_sent, ended, nullptr);
    bufferevent_set_max_single_read(accepted, rival::receive_size);
    bufferevent_set_max_single_write(accepted, rival::receive_size);
    bufferevent_enable(accepted, EV_READ | EV_WRITE);
}

}  // namespace

int main(int argc, char** argv) {
    const rival::options given = rival::parse(argc, argv);
    framed = given.framed;
    event_base* base = event_base_new();
    evconnlistener_new(base, accept, nullptr, LEV_OPT_CLOSE_ON_FREE, 0,
                       rival::listen_on(given.port));
    return event_base_dispatch(base);
}
