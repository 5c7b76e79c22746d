// examples/15_remote_copy/iterative_server.hpp -- one client after another, until the program has
// to stop.
#pragma once

#include "../support/program.hpp"

#include <chrono>
#include <utility>

namespace copy {

/// Calls `serve(trama::tcp_stream)` for each client. If a client cannot be accepted, this continues
/// with the next one.
template <typename Serve>
void serve_iteratively(trama::tcp_listener& listener, Serve serve) {
    while (program::wait_readable(listener.fd())) {
        trama::tcp_stream client;
        const trama::io_result result = listener.try_accept(client);
        if (result.status == trama::io_status::done) serve(std::move(client));
        if (result.status != trama::io_status::failed) continue;
        program::say_error("cannot accept: ", result.error.message());
        program::pause(std::chrono::milliseconds(200));  // it would fail again at once
    }
}

}  // namespace copy
