// length_prefix of all sizes and both byte orders: scan against a reference that multiplies.
#include "fuzz.hpp"

#include <algorithm>

namespace {

using trama::byte_order;
using trama::length_prefix;
using trama::scan_result;
using trama::scan_status;

template <std::size_t Size, byte_order Order>
scan_result reference(std::string_view bytes, std::size_t limit) {
    if (bytes.size() < Size) return {scan_status::need_data, 0};
    std::string header(bytes.substr(0, Size));
    if (Order == byte_order::little) std::reverse(header.begin(), header.end());
    std::size_t length = 0;
    for (const char byte : header) length = 256 * length + static_cast<unsigned char>(byte);
    if (length > limit) return {scan_status::too_long, 0};
    if (length > bytes.size() - Size) return {scan_status::need_data, Size};
    return {scan_status::frame, Size, length};
}

template <std::size_t Size, byte_order Order>
void run(std::string_view bytes, std::size_t limit) {
    fuzz::expect_same(length_prefix<Size, Order>::scan(bytes, limit),
                      reference<Size, Order>(bytes, limit));
    fuzz::expect_round_trip<length_prefix<Size, Order>>(bytes, limit);
}

template <std::size_t Size>
void run_both_orders(std::string_view bytes, std::size_t limit) {
    run<Size, byte_order::big>(bytes, limit);
    run<Size, byte_order::little>(bytes, limit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input input(data, size);
    // Also the largest limit there is.
    const std::size_t limit = input.two_bytes() - 1;
    run_both_orders<1>(input.rest(), limit);
    run_both_orders<2>(input.rest(), limit);
    run_both_orders<4>(input.rest(), limit);
    run_both_orders<8>(input.rest(), limit);
    return 0;
}
