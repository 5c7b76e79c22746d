// web_client -- asks a web server for a page by hand, and reads exactly as much as it answers
//
// Goal:     See that HTTP is text over TCP, and that an answer can end in three ways.
// Run:      python3 -m http.server 8000           a web server for this folder, to begin with
//           ./web_client -p 8000 localhost /
//           printf 'HEAD / HTTP/1.0\r\n\r\n' | nc localhost 8000        the same without us
// Observe:  Lines with > went out, lines with < came back; the page alone is on stdout, so that
//           `./web_client example.com > page.html` is a clean file. Which of the three ways did the
//           server choose: Content-Length, chunked, or the end of the stream?
// Exercise: Take the line Host: out of the request. What do the servers you know answer? And what,
//           if the end of a line is \n in place of \r\n?
// Next:     02_echo_client, where you make up the conversation.
#include "../support/program.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace {

constexpr const char* examples = R"(
  web_client example.com                  the page / at port 80
  web_client -p 8000 localhost /a.txt     a file of a server on this machine
  web_client --head example.com           the headers only
  web_client -q example.com > page.html   the page only

The page goes to stdout. A redirection is shown and not followed.
)";

constexpr std::size_t longest_line = 8192;
constexpr int most_header_lines = 100;

struct page {
    std::string host;
    std::string path;
};

/// What was asked for. Only printable ASCII can travel: a line feed would begin a header of its
/// own.
page wanted_page(const program::options& given) {
    const auto& words = given.words();
    if (words.empty() || words.size() > 2)
        throw program::usage_error("say one HOST and at most one PATH: see --help");
    const page wanted{words[0], words.size() == 2 ? words[1] : "/"};
    const auto printable = [](unsigned char c) { return c > ' ' && c < 0x7F; };
    const bool has_port = std::count(wanted.host.begin(), wanted.host.end(), ':') == 1;
    if (wanted.host.empty() || has_port || wanted.host.find_first_of("/[]") != std::string::npos ||
        !std::all_of(wanted.host.begin(), wanted.host.end(), printable))
        throw program::usage_error("HOST is a name or an address, without http://, port or path");
    if (wanted.path[0] != '/' || !std::all_of(wanted.path.begin(), wanted.path.end(), printable))
        throw program::usage_error("PATH begins with / and has %20 for a space, and so on");
    return wanted;
}

// [region request]
/// One line that says what we want, the headers, and an empty line.
std::string request_for(const page& wanted, int port, bool head) {
    const bool ipv6 = wanted.host.find(':') != std::string::npos;
    std::string host = ipv6 ? '[' + wanted.host + ']' : wanted.host;
    if (port != 80) host += ':' + std::to_string(port);
    return (head ? "HEAD " + wanted.path + " HTTP/1.0" : "GET " + wanted.path + " HTTP/1.1") +
           "\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
}
// [/region request]

/// The answer, by lines where it is text, and in pieces of any size where it is not.
class answer_reader {
public:
    explicit answer_reader(trama::tcp_stream& server) : server_(server) {}

    /// The next line, without its end.
    std::string line() {
        std::size_t end = 0;
        while ((end = buffer_.find('\n')) == std::string::npos && buffer_.size() <= longest_line)
            if (!receive()) throw program::peer_error("the answer is cut short: it ends in a line");
        if (end > longest_line) throw program::peer_error("the answer has a line without end");
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
    }

    /// 1 to `most` bytes; empty: the server has closed.
    std::string some(std::uint64_t most) {
        if (buffer_.empty()) receive();
        std::string bytes = buffer_.substr(0, most);
        buffer_.erase(0, bytes.size());
        return bytes;
    }

private:
    bool receive() {
        const std::string bytes = server_.recv_some(16384);
        buffer_ += bytes;
        return !bytes.empty();
    }

    trama::tcp_stream& server_;
    std::string buffer_;
};

/// A number that is digits and nothing else.
std::uint64_t number(const std::string& text, int base) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, value, base);
    if (result.ec == std::errc{} && result.ptr == end) return value;
    throw program::peer_error("the answer has no number here: \"" + trama::escaped(text, 40) + '"');
}

/// `text` in small letters and without the spaces around it, so that it can be compared.
std::string plain(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    text.erase(0, text.find_first_not_of(" \t"));
    text.erase(text.find_last_not_of(" \t") + 1);
    return text;
}

struct answer_head {
    std::uint64_t status = 0;
    std::map<std::string, std::string> fields;
};

/// The status line and the headers, up to the empty line.
answer_head read_head(answer_reader& answer) {
    std::string line = answer.line();
    if (line.rfind("HTTP/1.", 0) != 0 || line.size() < 12)
        throw program::peer_error("no web server: it says \"" + trama::escaped(line, 60) + '"');
    answer_head head{number(line.substr(9, 3), 10), {}};
    for (int count = 1; !line.empty(); ++count, line = answer.line()) {
        if (count > most_header_lines) throw program::peer_error("the headers have no end");
        program::say("< ", program::shown{line});
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;  // the status line
        std::string& field = head.fields[plain(line.substr(0, colon))];
        field += (field.empty() ? "" : ",") + plain(line.substr(colon + 1));  // twice: a list
    }
    return head;
}

// [region length]
/// First way: the length was announced.
void copy_length(answer_reader& answer, std::uint64_t length) {
    while (length > 0) {
        const std::string bytes = answer.some(length);
        if (bytes.empty())
            throw program::peer_error("the answer is cut short: " + std::to_string(length) +
                                      " bytes are missing");
        program::print_piece(bytes);
        length -= bytes.size();
    }
}
// [/region length]

/// Second way: chunk by chunk, each behind its length in hexadecimal; a chunk of 0 is the end.
void copy_chunks(answer_reader& answer) {
    for (;;) {
        const std::string line = answer.line();
        const std::uint64_t length = number(plain(line.substr(0, line.find(';'))), 16);
        copy_length(answer, length);
        if (length == 0) break;
        if (!answer.line().empty()) throw program::peer_error("a chunk is longer than announced");
    }
    while (!answer.line().empty()) continue;  // headers may follow the last chunk
}

/// Third way: all that comes. The server could have died in the middle, and we would not notice.
void copy_to_the_end(answer_reader& answer) {
    for (std::string bytes; !(bytes = answer.some(16384)).empty();) program::print_piece(bytes);
}

// [region which-way]
void copy_body(answer_reader& answer, const answer_head& head) {
    const auto coding = head.fields.find("transfer-encoding");
    const auto length = head.fields.find("content-length");
    if (head.status == 204 || head.status == 304) return;  // these never have one
    if (coding != head.fields.end() && coding->second != "chunked")
        throw program::peer_error("the server encodes in a way that we did not ask for");
    if (coding != head.fields.end()) return copy_chunks(answer);
    if (length != head.fields.end()) return copy_length(answer, number(length->second, 10));
    copy_to_the_end(answer);
}
// [/region which-way]

int fetch(const program::options& given) {
    const page wanted = wanted_page(given);
    const std::string request = request_for(wanted, given.port(), given.flag("head"));
    auto server = trama::tcp_stream::connect(wanted.host, given.port());
    server.set_timeout(std::chrono::seconds(30));
    program::say("> ", program::shown{request});
    server.send_all(request);

    answer_reader answer(server);
    answer_head head = read_head(answer);
    while (head.status < 200) head = read_head(answer);  // "100 Continue": the answer is to come
    if (!given.flag("head")) copy_body(answer, head);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::port_option("80"), program::flag('I', "head", "ask for the headers only")}, fetch,
        "HOST [PATH]", 3);
}
