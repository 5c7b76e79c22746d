// Lines of all three endings: scan against a reference that reads byte after byte, as a person
// would: the first byte that decides, decides.
#include "fuzz.hpp"

namespace {

using trama::any_line;
using trama::crlf_line;
using trama::lf_line;
using trama::scan_result;
using trama::scan_status;

enum class endings { lf, crlf, any };

scan_result reference(std::string_view bytes, std::size_t limit, endings allowed) {
    std::size_t returns = 0;  // 1: the byte before was a CR that may belong to the line's end
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\n') {
            if (allowed == endings::crlf && returns == 0) return {scan_status::bad_header, i};
            return {scan_status::frame, 0, i - returns, returns + 1};
        }
        returns = bytes[i] == '\r' && allowed != endings::lf ? 1 : 0;
        if (i + 1 - returns > limit) return {scan_status::too_long, 0};
    }
    return {scan_status::need_data, 0};
}

template <typename Codec>
void run(std::string_view bytes, std::size_t limit, endings allowed) {
    const scan_result expected = reference(bytes, limit, allowed);
    fuzz::expect_same(Codec::scan(bytes, limit), expected);
    // Whatever an earlier scan has seen without finding anything.
    for (std::size_t seen = 1; seen <= bytes.size(); seen += 1 + seen / 4)
        if (reference(bytes.substr(0, seen), limit, allowed).status == scan_status::need_data)
            fuzz::expect_same(Codec::scan(bytes, limit, seen), expected);
    fuzz::expect_round_trip<Codec>(bytes, limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input input(data, size);
    const std::size_t limit = input.byte();
    run<lf_line>(input.rest(), limit, endings::lf);
    run<crlf_line>(input.rest(), limit, endings::crlf);
    run<any_line>(input.rest(), limit, endings::any);
    return 0;
}
