// asio -- an echo server on Asio (apt-get install libasio-dev), with callbacks.
//
// Build  g++ -std=c++17 -O2 asio.cpp -o asio
// Run    ./asio --port 5000 [--framed]
//
// As quick as Asio's usual style gets: one read brings as many frames as there are and one write
// answers them, the types name their executor instead of hiding it, and one thread needs no locks.
#include "rival.hpp"

#include <asio.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace {

using asio::ip::tcp;
using executor = asio::io_context::executor_type;
using stream = asio::basic_stream_socket<tcp, executor>;
using acceptor = asio::basic_socket_acceptor<tcp, executor>;

/// Lives as long as one of its operations is under way.
class session : public std::enable_shared_from_this<session> {
public:
    session(stream accepted, bool framed) : socket_(std::move(accepted)), framed_(framed) {}

    void receive() {
        socket_.async_read_some(
            asio::buffer(received_),
            [self = shared_from_this()](const std::error_code& error, std::size_t count) {
                if (!error) self->answer({self->received_.data(), count});
            });
    }

private:
    void answer(std::string_view came) {
        if (!framed_) return send(came);
        if (!frames_.answer(came, answers_)) return;
        return answers_.empty() ? receive() : send(answers_);
    }

    void send(std::string_view bytes) {
        asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                          [self = shared_from_this()](const std::error_code& error, std::size_t) {
                              if (error) return;
                              self->answers_.clear();
                              self->receive();
                          });
    }

    stream socket_;
    bool framed_;
    rival::frame_echo frames_;
    std::string answers_;
    std::array<char, rival::receive_size> received_;  // not zeroed: what is not used costs nothing
};

void accept(acceptor& listener, bool framed) {
    listener.async_accept([&listener, framed](const std::error_code& error, stream accepted) {
        if (!error) std::make_shared<session>(std::move(accepted), framed)->receive();
        accept(listener, framed);
    });
}

}  // namespace

int main(int argc, char** argv) {
    const rival::options given = rival::parse(argc, argv);
    asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
    acceptor listener(context, tcp::v4(), rival::listen_on(given.port));
    accept(listener, given.framed);
    context.run();
}
