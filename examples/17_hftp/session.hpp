// 17_hftp/session.hpp -- one client of the server: what came of its next request, what it is still
// owed, and whose turn it is.
//
//     serving  ---- a fatal answer, quit, the end of its stream ---->  finishing: what it is owed
//        |                                                             is still sent
//        |  its connection broke, it took nothing for too long,            |  all of it was taken
//        |  or its answer cannot be completed                              |
//        v                                                                 v
//      gone  <------------ it closed, or the time is up ------------  lingering
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

/// Move-only. Whoever owns it gives it its turns.
class session {
public:
    session(trama::tcp_stream stream, const file_service& files)
        : stream_(std::move(stream)), files_(&files) {}

    // [region turn]
    /// One turn, which never waits: receives once, gives some answers, sends once. So nobody else
    /// is held up, neither by a client with a million requests nor by one that takes nothing.
    void take_turn(bool is_readable) {
        if (state_ == state::lingering) return discard();
        if (is_readable) receive();
        for (int count = 0; count < 16 && state_ == state::serving && !answer_.is_full(); ++count)
            if (!give_next_answer()) break;
        if (state_ != state::gone) send();
        if (state_ == state::finishing && answer_.is_empty()) bow_out();
    }
    // [/region turn]

    /// Who is owed something is not listened to: its requests wait in the network, and not here.
    trama::interest wanted() const {
        if (state_ == state::lingering || !has_work()) return trama::interest::read;
        return trama::interest::write;
    }

    /// How long it may be until its next turn. A client may think for as long as it likes; but it
    /// must take what it has asked for, and go when it was told to.
    trama::duration patience(trama::duration stall_limit) const {
        if (state_ == state::lingering) return std::chrono::seconds(2);
        return has_work() ? stall_limit : trama::no_timeout;
    }

    /// No more requests; a turn should follow.
    void finish() {
        if (state_ == state::serving) state_ = state::finishing;
    }

    bool is_gone() const { return state_ == state::gone; }
    const trama::endpoint& remote_endpoint() const { return stream_.remote_endpoint(); }
    int fd() const { return stream_.fd(); }

private:
    enum class state { serving, finishing, lingering, gone };

    /// Something can be done for it as soon as it takes what it is owed.
    bool has_work() const {
        const bool may_answer = has_ended_ || reader_.has_more();
        return !answer_.is_empty() || (state_ == state::serving && may_answer);
    }

    void receive() {
        char bytes[request_reader::most_at_once];
        const trama::io_result result = stream_.try_recv_some(bytes, sizeof bytes);
        if (result.status == trama::io_status::failed) return leave(result.error.message());
        if (result.status == trama::io_status::end_of_stream) has_ended_ = true;
        reader_.receive({bytes, result.bytes});
    }

    /// False: no request is left. At the end of its stream, half a request is none.
    bool give_next_answer() {
        try {
            const auto line = reader_.next_line();
            if (!line && has_ended_) state_ = state::finishing;
            if (!line) return false;
            program::say_more(remote_endpoint(), " asks \"", program::shown{*line, 60}, '"');
            body granted = files_->body_of(*line);
            give(code::ok);
            answer_.append(granted.text);
            answer_.append(std::move(granted.rest));
            if (*line == "quit") state_ = state::finishing;
        } catch (const refusal& refused) {
            give(refused.why);
        } catch (const trama::file_error& error) {
            program::say(remote_endpoint(), ": ", error.what());
            give(code::internal_error);
        }
        reader_.give_memory_back();
        return true;
    }

    /// Requests behind a fatal answer get none.
    void give(code what) {
        program::say_more(remote_endpoint(), " is told \"", text_of(what), '"');
        answer_.append(text_of(what));
        answer_.append("\r\n");
        if (is_fatal(what)) state_ = state::finishing;
    }

    /// An answer that cannot be completed ends in a cut connection: after "0 OK" there is no other
    /// way to say that it failed, and bytes that are made up would be a lie.
    void send() {
        try {
            const std::string_view bytes = answer_.next();
            if (bytes.empty()) return;
            const trama::io_result result = stream_.try_send_some(bytes);
            if (result.status == trama::io_status::failed) return leave(result.error.message());
            answer_.take(result.bytes);
        } catch (const trama::file_error& error) {
            leave(error.what());
        }
    }

    /// A plain close while it still sends would reset the connection, and the last answer might
    /// never be read. So this end says "that is all", and throws away what still comes.
    void bow_out() {
        if (has_ended_) return leave("");
        try {
            stream_.shutdown_send();
        } catch (const trama::network_error& error) {
            return leave(error.what());
        }
        state_ = state::lingering;
        end_ = trama::deadline(std::chrono::seconds(30));
    }

    void discard() {
        char waste[65536];
        const trama::io_result result = stream_.try_recv_some(waste, sizeof waste);
        const bool is_open = result.status == trama::io_status::done ||
                             result.status == trama::io_status::would_block;
        if (!is_open || end_.passed()) leave("");
    }

    void leave(const std::string& why) {
        state_ = state::gone;
        if (!why.empty()) program::say(remote_endpoint(), " is lost: ", why);
    }

    trama::tcp_stream stream_;
    const file_service* files_;
    request_reader reader_;
    answer answer_;
    state state_ = state::serving;
    bool has_ended_ = false;  // nothing more comes from it
    trama::deadline end_;     // of lingering
};

}  // namespace hftp
