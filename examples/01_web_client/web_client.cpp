// web_client -- sends a request to a web server by hand, and reads exactly one response
//
// Goal:     See that HTTP is text over TCP, and that a response can end in three ways.
// Run:      python3 -m http.server 8000           a web server for this folder, to begin with
//           ./web_client -p 8000 localhost /
//           printf 'HEAD / HTTP/1.0\r\n\r\n' | nc localhost 8000      the same without this program
// Observe:  Lines with > were sent, lines with < were received. Only the page goes to stdout, so
//           `./web_client example.com > page.html` makes a clean file. Which of the three ways did
//           the server choose: Content-Length, chunked, or the end of the stream?
// Exercise: Take the line Host: out of the request. What do the servers that you know answer? And
//           what do they answer if the end of a line is \n instead of \r\n?
// Next:     02_echo_client, where you decide what is sent.
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

bool is_printable(unsigned char c) {
    return c > ' ' && c < 0x7F;
}

bool is_printable(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_printable(static_cast<unsigned char>(c)); });
}

bool is_host(const std::string& host) {
    const bool has_port = std::count(host.begin(), host.end(), ':') == 1;
    const bool has_other_parts = host.find_first_of("/[]") != std::string::npos;
    return !host.empty() && !has_port && !has_other_parts && is_printable(host);
}

/// The page that the command line names. Only printable ASCII may be sent: a line feed would begin
/// another header.
page wanted_page(const program::options& given) {
    const auto& words = given.words();
    if (words.empty() || words.size() > 2)
        throw program::usage_error("give one HOST and at most one PATH: see --help");
    const page wanted{words[0], words.size() == 2 ? words[1] : "/"};
    if (!is_host(wanted.host))
        throw program::usage_error("HOST is a name or an address, without http://, port or path");
    if (wanted.path[0] != '/' || !is_printable(wanted.path))
        throw program::usage_error("PATH begins with / and has %20 for a space, and so on");
    return wanted;
}

/// The value of the header Host: the name, and the port unless it is 80.
std::string host_field(const std::string& host, int port) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    const std::string name = is_ipv6 ? '[' + host + ']' : host;
    return port == 80 ? name : name + ':' + std::to_string(port);
}

/// The request line, two headers and an empty line.
std::string request_for(const page& wanted, int port, bool head_only) {
    const std::string request_line =
        head_only ? "HEAD " + wanted.path + " HTTP/1.0" : "GET " + wanted.path + " HTTP/1.1";
    return request_line + "\r\nHost: " + host_field(wanted.host, port) +
           "\r\nConnection: close\r\n\r\n";
}

/// Receives the response: lines where it is text, pieces of any size where it is not.
class response_reader {
public:
    explicit response_reader(trama::tcp_stream& server) : server_(server) {}

    /// Returns the next line, without its end.
    std::string line() {
        std::size_t end = buffer_.find('\n');
        while (end == std::string::npos && buffer_.size() <= longest_line) {
            if (!receive())
                throw program::peer_error("the response is cut short: it ends inside a line");
            end = buffer_.find('\n');
        }
        if (end > longest_line) throw program::peer_error("the response has a line without end");
        std::string line = take(end + 1);
        line.pop_back();
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return line;
    }

    /// Returns 1 to `most` bytes, or none: the server has closed.
    std::string some(std::uint64_t most) {
        if (buffer_.empty()) receive();
        return take(most);
    }

private:
    /// Receives what is there. Returns false at the end of the stream.
    bool receive() {
        const std::string bytes = server_.recv_some(16384);
        buffer_ += bytes;
        return !bytes.empty();
    }

    /// Takes at most `most` bytes out of the buffer.
    std::string take(std::uint64_t most) {
        const auto size = std::min<std::uint64_t>(most, buffer_.size());
        std::string bytes = buffer_.substr(0, static_cast<std::size_t>(size));
        buffer_.erase(0, bytes.size());
        return bytes;
    }

    trama::tcp_stream& server_;
    std::string buffer_;
};

/// The number that `text` is: digits and nothing else.
std::uint64_t number(const std::string& text, int base) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, value, base);
    if (result.ec == std::errc{} && result.ptr == end) return value;
    throw program::peer_error("the response has no number here: \"" + trama::escaped(text, 40) +
                              '"');
}

/// `text` in lower case and without the spaces around it, so that it can be compared.
std::string normalized(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    text.erase(0, text.find_first_not_of(" \t"));
    text.erase(text.find_last_not_of(" \t") + 1);
    return text;
}

using header_fields = std::map<std::string, std::string>;

struct response_head {
    std::uint64_t status = 0;
    header_fields fields;
};

/// Returns the status code of a status line such as "HTTP/1.1 200 OK".
std::uint64_t status_of(const std::string& line) {
    if (line.rfind("HTTP/1.", 0) != 0 || line.size() < 12)
        throw program::peer_error("no web server: it says \"" + trama::escaped(line, 60) + '"');
    return number(line.substr(9, 3), 10);
}

/// Adds a line "Name: value". The values of a name that comes twice form a list.
void add_field(header_fields& fields, const std::string& line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return;
    std::string& value = fields[normalized(line.substr(0, colon))];
    if (!value.empty()) value += ',';
    value += normalized(line.substr(colon + 1));
}

/// Reads the status line and the headers, up to the empty line.
response_head read_head(response_reader& response) {
    std::string line = response.line();
    response_head head{status_of(line), {}};
    program::say("< ", program::shown{line});
    for (int count = 0; count < most_header_lines; ++count) {
        line = response.line();
        if (line.empty()) return head;
        program::say("< ", program::shown{line});
        add_field(head.fields, line);
    }
    throw program::peer_error("the headers have no end");
}

/// First way: the server has announced the length.
void copy_length(response_reader& response, std::uint64_t length) {
    while (length > 0) {
        const std::string bytes = response.some(length);
        if (bytes.empty())
            throw program::peer_error("the response is cut short: " + std::to_string(length) +
                                      " bytes are missing");
        program::print_piece(bytes);
        length -= bytes.size();
    }
}

/// Reads one chunk: its length in hexadecimal digits, and its bytes. Returns its length.
std::uint64_t copy_chunk(response_reader& response) {
    const std::string line = response.line();
    const std::uint64_t length = number(normalized(line.substr(0, line.find(';'))), 16);
    if (length == 0) return 0;
    copy_length(response, length);
    if (!response.line().empty()) throw program::peer_error("a chunk is longer than announced");
    return length;
}

/// Second way: chunks. A chunk of 0 bytes is the last one; headers and an empty line may follow.
void copy_chunks(response_reader& response) {
    std::uint64_t length = 0;
    do {
        length = copy_chunk(response);
    } while (length > 0);
    std::string trailer;
    do {
        trailer = response.line();
    } while (!trailer.empty());
}

/// Third way: everything up to the end of the stream. If the server died meanwhile, nothing shows
/// it.
void copy_to_the_end(response_reader& response) {
    for (;;) {
        const std::string bytes = response.some(16384);
        if (bytes.empty()) return;
        program::print_piece(bytes);
    }
}

// [region which-way]
/// Copies the page to stdout. The headers say where it ends.
void copy_body(response_reader& response, const response_head& head) {
    const auto coding = head.fields.find("transfer-encoding");
    const auto length = head.fields.find("content-length");
    if (head.status == 204 || head.status == 304) return;  // these never have a body
    if (coding != head.fields.end()) {
        if (coding->second != "chunked")
            throw program::peer_error("the server uses a coding that we did not request");
        copy_chunks(response);
    } else if (length != head.fields.end()) {
        copy_length(response, number(length->second, 10));
    } else {
        copy_to_the_end(response);
    }
}
// [/region which-way]

int fetch(const program::options& given) {
    const page wanted = wanted_page(given);
    const bool head_only = given.flag("head");
    const std::string request = request_for(wanted, given.port(), head_only);
    auto server = trama::tcp_stream::connect(wanted.host, given.port());
    server.set_timeout(std::chrono::seconds(30));
    program::say("> ", program::shown{request});
    server.send_all(request);

    response_reader response(server);
    response_head head = read_head(response);
    while (head.status < 200) {  // such as "100 Continue": the real response follows
        head = read_head(response);
    }
    if (!head_only) copy_body(response, head);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::port_option("80"), program::flag('I', "head", "request the headers only")}, fetch,
        "HOST [PATH]", 3);
}
