// 17_hftp/session.hpp -- one client of the server: its requests, its pending output, and its state.
//
//     serving  ------- a fatal answer, quit, the end of its stream ------->  finishing: pending
//        |                                                                   output is still sent
//        |  its connection broke, it took nothing for too long,                     |  all of it
//        |  or its answer cannot be completed                                       |  was sent
//        v                                                                          v
//     closed  <----------------- it closed, or the time is up ----------------  lingering
#pragma once

#include "../support/program.hpp"
#include "answer.hpp"
#include "file_service.hpp"
#include "hftp.hpp"
#include "request_reader.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace hftp {

/// One client. Its owner watches it as wanted() says, and calls take_turn(). Move-only.
class session {
public:
    session(trama::tcp_stream stream, const file_service& files)
        : stream_(std::move(stream)), files_(&files) {}

    // [region turn]
    /// Receives once, answers some requests, sends once, and never waits. So one client delays no
    /// other, neither with a million requests nor when it takes no bytes.
    void take_turn(bool is_readable) {
        if (state_ == state::lingering) return discard();
        if (is_readable) receive();
        answer_requests();
        if (state_ != state::closed) send();
        if (state_ == state::finishing && answer_.is_empty()) begin_lingering();
    }
    // [/region turn]

    /// The event to wait for. With output pending the client is not read: its next requests wait in
    /// the network, and not in this program.
    trama::interest wanted() const {
        if (state_ == state::lingering || !has_work()) return trama::interest::read;
        return trama::interest::write;
    }

    /// The longest time until its next turn. A client may wait between requests as long as it
    /// likes, but it must take its answers, and close after a fatal one.
    trama::duration time_limit(trama::duration stall_limit) const {
        if (state_ == state::lingering) return std::chrono::seconds(2);
        return has_work() ? stall_limit : trama::no_timeout;
    }

    /// Answers no more requests. Call take_turn() after it.
    void finish() {
        if (state_ == state::serving) state_ = state::finishing;
    }

    bool is_closed() const { return state_ == state::closed; }
    const trama::endpoint& remote_endpoint() const { return stream_.remote_endpoint(); }
    int fd() const { return stream_.fd(); }

private:
    enum class state { serving, finishing, lingering, closed };

    /// True if the session can go on as soon as the client takes bytes.
    bool has_work() const {
        const bool may_answer = has_ended_ || reader_.has_more();
        return !answer_.is_empty() || (state_ == state::serving && may_answer);
    }

    void receive() {
        char bytes[request_reader::most_at_once];
        const trama::io_result result = stream_.try_recv_some(bytes, sizeof bytes);
        if (result.status == trama::io_status::failed) return close(result.error.message());
        if (result.status == trama::io_status::end_of_stream) has_ended_ = true;
        reader_.receive({bytes, result.bytes});
    }

    void answer_requests() {
        bool has_request = true;
        for (int count = 0; count < 16 && has_request; ++count) {
            if (state_ != state::serving || answer_.is_full()) return;
            has_request = answer_next_request();
        }
    }

    /// Returns false if no request is left. At the end of the stream, half a request is none.
    bool answer_next_request() {
        try {
            const auto line = reader_.next_line();
            if (!line && has_ended_) state_ = state::finishing;
            if (!line) return false;
            answer_line(*line);
        } catch (const refusal& refused) {
            append_code(refused.why);
        } catch (const trama::file_error& error) {
            program::say_error(remote_endpoint(), ": ", error.what());
            append_code(code::internal_error);
        }
        reader_.free_memory();
        return true;
    }

    void answer_line(std::string_view line) {
        program::say_more(remote_endpoint(), " request: \"", program::shown{line, 60}, '"');
        body granted = files_->body_of(line);
        append_code(code::ok);
        answer_.append(granted.text);
        answer_.append(std::move(granted.rest));
        if (line == "quit") state_ = state::finishing;
    }

    /// Requests behind a fatal answer get none.
    void append_code(code value) {
        program::say_more(remote_endpoint(), " answer: \"", text_of(value), '"');
        answer_.append(text_of(value));
        answer_.append("\r\n");
        if (is_fatal(value)) state_ = state::finishing;
    }

    /// Cuts the connection if the answer cannot be completed: after "0 OK" there is no other way to
    /// report a failure, and padding would be taken for the bytes of the file.
    void send() {
        try {
            const std::string_view bytes = answer_.next();
            if (bytes.empty()) return;
            const trama::io_result result = stream_.try_send_some(bytes);
            if (result.status == trama::io_status::failed) return close(result.error.message());
            answer_.consume(result.bytes);
        } catch (const trama::file_error& error) {
            close(error.what());
        }
    }

    /// Shuts down sending, and throws away what the client still sends. A plain close with bytes
    /// unread would reset the connection, and the client might lose the last answer.
    void begin_lingering() {
        if (has_ended_) return close("");
        try {
            stream_.shutdown_send();
        } catch (const trama::network_error& error) {
            return close(error.what());
        }
        state_ = state::lingering;
        end_ = trama::deadline(std::chrono::seconds(30));
    }

    void discard() {
        char unwanted[65536];
        const trama::io_result result = stream_.try_recv_some(unwanted, sizeof unwanted);
        const bool is_open = result.status == trama::io_status::done ||
                             result.status == trama::io_status::would_block;
        if (!is_open || end_.passed()) close("");
    }

    /// The owner removes a closed session. `why`: the error that ended it, or empty.
    void close(const std::string& why) {
        state_ = state::closed;
        if (!why.empty()) program::say(remote_endpoint(), " is lost: ", why);
    }

    trama::tcp_stream stream_;
    const file_service* files_;
    request_reader reader_;
    answer answer_;
    state state_ = state::serving;
    bool has_ended_ = false;  // the client sends nothing more
    trama::deadline end_;     // of lingering
};

}  // namespace hftp
