// four_bytes -- a codec of your own: records that are always four bytes long
#include "trama.hpp"

#include <cstdio>

// [region codec]
struct four_bytes {
    static constexpr const char* format = "records of four bytes";
    static constexpr std::size_t max_payload = 4;
    static constexpr std::string_view trailer = "";

    static trama::scan_result scan(std::string_view bytes, std::size_t limit,
                                   std::size_t /*seen*/) noexcept {
        if (limit < 4) return {trama::scan_status::too_long, 0, 4};
        if (bytes.size() < 4) return {trama::scan_status::need_data, 0, 4 - bytes.size()};
        return {trama::scan_status::frame, 0, 4};
    }

    static trama::frame_header header(std::string_view payload) {
        using trama::frame_error;
        if (payload.size() != 4) throw frame_error(frame_error::reason::bad_header, 0, format);
        return {};
    }
};
// [/region codec]

int main() {
    trama::frame_decoder<four_bytes> decoder;
    for (const char* piece : {"ho", "laad", "io"}) {
        decoder.receive_data(piece);
        while (const auto record = decoder.next_frame())
            std::printf("%s\n", trama::escaped(*record).c_str());
    }
    decoder.receive_eof();
}
