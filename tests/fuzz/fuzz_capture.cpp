// Captures of tools/segments: whatever the bytes are, reading ends, in one of two ways, with the
// same result however many bytes each read brings; no more payload is shown than there was; and
// what is drawn is plain text.
#include "fuzz.hpp"

#include "../../examples/tools/segments_graph.hpp"
#include "../../examples/tools/segments_ladder_svg.hpp"

namespace {

using segments::byte_stream;
using segments::observed;
using segments::summary;

/// Gives the bytes in pieces of this size.
byte_stream::source source_of(std::string_view bytes, std::size_t piece) {
    return [=](char* to, std::size_t size) mutable {
        const std::size_t count = bytes.copy(to, std::min(size, piece));
        bytes.remove_prefix(count);
        return count;
    };
}

/// All that was read, as text.
std::string story(std::string_view bytes, std::size_t piece) {
    std::string text;
    const summary all = segments::read_segments(source_of(bytes, piece), [&](const observed& seen) {
        text += std::to_string(seen.what.number) + ' ' + std::to_string(seen.of.number) + ' ' +
                std::to_string(seen.relative_seq()) + ' ' + std::to_string(seen.marks) + ' ' +
                std::to_string(seen.window()) + ' ' + std::string(seen.what.payload) + '\n';
        fuzz::expect(seen.what.payload.size() <= seen.what.length, "no payload is made up");
        fuzz::expect(seen.of.number <= seen.what.number, "each connection has a segment");
    });
    fuzz::expect(all.counts.packets <= bytes.size() / 16, "each packet has a header in the file");
    return text + std::to_string(all.counts.packets) + ' ' + all.damage;
}

void expect_plain(const std::string& drawing) {
    for (const char byte : drawing) {
        fuzz::expect(byte == '\n' || (byte >= ' ' && byte <= '~'), "a drawing is plain ASCII");
    }
}

/// Draws the first connection.
void draw(std::string_view bytes) {
    const auto each_segment = [&](auto use) {
        return segments::read_segments(source_of(bytes, bytes.size()), [&](const observed& seen) {
            if (seen.of.number == 1) use(seen);
        });
    };
    segments::moments first;
    const summary all = each_segment([&](const observed& seen) { first.add(seen); });
    if (all.found.all().empty()) return;
    const segments::connection& of = all.found.all().front();
    segments::ladder_svg ladder(of, first, segments::numbering::both, {});
    each_segment([&](const observed& seen) { ladder.add(seen); });
    expect_plain(ladder.str());
    for (const char* kind : {"sequence", "throughput", "rtt", "window"}) {
        segments::graph graph(kind, "", of);
        each_segment([&](const observed& seen) { graph.measure(seen); });
        graph.begin_drawing();
        each_segment([&](const observed& seen) { graph.draw(seen); });
        expect_plain(graph.str());
    }
}

/// Puts a file header before the input, so that not each run has to find one.
std::string with_header(std::size_t choice, std::string_view bytes) {
    using namespace std::literals;
    const std::string_view links = "\0\1\x65\x71\x0c\x6c\xe4\xe5"sv;
    const std::string link(1, links[choice / 4 % links.size()]);
    if (choice % 4 == 0) return std::string(bytes);
    if (choice % 4 == 1)
        return "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0"s + link + "\0\0\0"s +
               std::string(bytes);
    return std::string(
               "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0\xff\xff\xff\xff\xff\xff"
               "\xff\xff\x1c\0\0\0\1\0\0\0\x14\0\0\0"sv) +
           link + std::string("\0\0\0\0\0\0\0\x14\0\0\0"sv) + std::string(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input input(data, size);
    const std::size_t piece = 1 + input.byte();
    const std::string file = with_header(input.byte(), input.rest());
    fuzz::expect(story(file, file.size() + 1) == story(file, piece), "pieces change nothing");
    if (piece % 16 == 0) draw(file);
    return 0;
}
