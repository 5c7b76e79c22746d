// six_digit_colon: scan against a reference that searches and converts instead of counting.
#include "fuzz.hpp"

namespace {

using trama::scan_result;
using trama::scan_status;
using trama::six_digit_colon;

scan_result reference(std::string_view bytes, std::size_t limit) {
    const std::string header(bytes.substr(0, 7));
    const std::size_t digits = std::min(header.find_first_not_of("0123456789"), header.size());
    if (digits < 6 && digits < header.size()) return {scan_status::bad_header, digits};
    if (header.size() < 7) return {scan_status::need_data, 0};
    if (digits == 7 || header[6] != ':') return {scan_status::bad_header, 6};
    const std::size_t length = std::stoul(header.substr(0, 6));
    if (length > limit) return {scan_status::too_long, 0};
    if (bytes.size() < 7 + length) return {scan_status::need_data, 7};
    return {scan_status::frame, 7, length};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input input(data, size);
    const std::size_t limit = input.two_bytes() * 16;
    const std::string_view bytes = input.rest();
    fuzz::expect_same(six_digit_colon::scan(bytes, limit), reference(bytes, limit));
    fuzz::expect_round_trip<six_digit_colon>(bytes, limit);
    return 0;
}
