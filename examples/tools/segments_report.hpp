// examples/tools/segments_report.hpp -- `segments report`: list, graphs and ladders in one HTML
// file.
//
// The file needs nothing but a browser: its style, its drawings and the few lines of script that
// enlarge them are inside, and it may load nothing from anywhere (Content-Security-Policy).
#pragma once

#include "segments_graph.hpp"
#include "segments_ladder_svg.hpp"

namespace segments {

struct report_settings {
    std::string path;
    std::size_t only = 0;  ///< the number of the connection; 0: all
    std::string output;
    std::size_t most = 0;  ///< segments in list and ladders
};

class report_command {
public:
    explicit report_command(report_settings given) : given_(std::move(given)) {}

    void run() {
        const summary all = read_segments_of(given_.path, [this](const observed& seen) {
            ++total_;
            if (is_chosen(seen)) moments_[seen.of.number].add(seen);
        });
        check_connection(all, given_.only);
        choose_graphs(all);
        read_segments_of(given_.path, [this](const observed& seen) { measure(seen); });
        for (auto& [number, graphs] : graphs_) {
            for (graph& each : graphs) {
                each.begin_drawing();
            }
        }
        read_segments_of(given_.path, [&](const observed& seen) { add(seen, all); });
        write_file(given_.output, page(all));
        if (is_shortened()) program::say(shortened(), "; --most NUMBER allows more segments");
        report_damage(all, given_.path);
    }

private:
    static constexpr std::size_t most_with_graphs = 10;  // connections
    static constexpr std::size_t most_connections = 100;

    bool is_shortened() const { return given_.only == 0 ? count_ < total_ : count_ == given_.most; }

    std::string shortened() const {
        return "list and ladders have " + grouped(count_) + " of " + grouped(total_) +
               " segments, and at most " + std::to_string(most_connections) + " connections";
    }

    bool is_chosen(const observed& seen) const {
        return given_.only == 0 ? seen.of.number <= most_connections
                                : seen.of.number == given_.only;
    }

    /// Graphs need data: those of the first connections that have some.
    void choose_graphs(const summary& all) {
        for (const connection& each : all.found.all()) {
            const bool has_data = each.bytes[to_server] + each.bytes[to_client] > 0;
            const bool is_wanted = given_.only == 0 || given_.only == each.number;
            if (!has_data || !is_wanted || graphs_.size() == most_with_graphs) continue;
            for (const char* kind : {"sequence", "throughput", "rtt", "window"}) {
                graphs_[each.number].emplace_back(kind, "", each);
            }
        }
    }

    void measure(const observed& seen) {
        const auto found = graphs_.find(seen.of.number);
        if (found == graphs_.end()) return;
        for (graph& each : found->second) {
            each.measure(seen);
        }
    }

    void add(const observed& seen, const summary& all) {
        const auto found = graphs_.find(seen.of.number);
        if (found != graphs_.end()) {
            for (graph& each : found->second) {
                each.draw(seen);
            }
        }
        if (!is_chosen(seen) || count_ == given_.most) return;
        ++count_;
        add_row(seen, all.digits);
        const auto [ladder, is_new] =
            ladders_.try_emplace(seen.of.number, all.found.all()[seen.of.number - 1],
                                 moments_[seen.of.number], numbering::both, std::vector<call>{});
        ladder->second.add(seen);
    }

    void add_row(const observed& seen, int digits) {
        const segment& what = seen.what;
        const char* kind = seen.marks != 0 ? "marked" : seen.where == to_server ? "up" : "down";
        rows_ += "<tr class=\"" + std::string(kind) + "\">";
        for (const std::string& cell :
             {std::to_string(what.number), std::to_string(seen.of.number),
              seconds_text(seen.nanoseconds(), digits),
              std::string(seen.where == to_server ? "->" : "<-"), flags_text(what.flags),
              std::to_string(what.seq), ack_text(seen, numbering::absolute),
              std::to_string(seen.relative_seq()), ack_text(seen, numbering::both),
              std::to_string(what.length), std::to_string(seen.window()), notes_text(seen)}) {
            rows_ += "<td>" + xml(cell);
        }
        rows_ += '\n';
    }

    std::string page(const summary& all) {
        const std::string name = given_.path.substr(given_.path.rfind('/') + 1);
        std::string text = std::string(head) + "<title>" + xml(name) + "</title>\n" + style +
                           "<h1>" + xml(name) + "</h1>\n<p>" + xml(counts_text(all.counts)) +
                           "</p>\n";
        if (!all.damage.empty())
            text += "<p class=\"warn\">Reading stopped: " + xml(all.damage) + "</p>\n";
        if (is_shortened()) text += "<p class=\"warn\">" + shortened() + "</p>\n";
        add_connections(text, all);
        text += list_begin + rows_ + "</table></div>\n<h2>Ladders</h2>\n";
        for (auto& [number, ladder] : ladders_) {
            add_figure(text, ladder.str());
        }
        text += "<h2>Graphs</h2>\n";
        for (auto& [number, graphs] : graphs_) {
            for (graph& each : graphs) {
                add_figure(text, each.str());
            }
        }
        return text + script;
    }

    void add_connections(std::string& text, const summary& all) const {
        text += "<ol>\n";
        for (const connection& each : all.found.all()) {
            if (each.number > most_connections) break;
            text += "<li>" + xml(connection_text(each)) + '\n';
        }
        text += "</ol>\n";
    }

    static void add_figure(std::string& text, const std::string& drawing) {
        text +=
            "<figure><p><button data-zoom=\"1.4\">larger</button> <button "
            "data-zoom=\"0.7\">smaller</button> <button data-zoom=\"0\">as at "
            "first</button></p>\n<div>" +
            drawing + "</div></figure>\n";
    }

    static constexpr const char* head =
        R"(<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<link rel="icon" href="data:,">
)";
    static constexpr const char* style = R"(<style>
body { font: 14px sans-serif; margin: 24px; color: #222; }
figure { margin: 0 0 24px; } figure div, .list { overflow: auto; border: 1px solid #ddd; }
figure div { max-height: 90vh; } .list { max-height: 90vh; } .warn { color: #b3261e; }
table { border-collapse: collapse; font: 12px monospace; white-space: pre; }
td, th { padding: 2px 8px; text-align: right; } th { position: sticky; top: 0; background: #eee; }
td:nth-child(4), :nth-child(5), :nth-child(12) { text-align: left; }
.down { background: #f4f7fb; } .marked { background: #fdecea; }
</style>
)";
    static constexpr const char* list_begin = R"(<h2>List</h2>
<div class="list"><table>
<tr><th>packet<th>connection<th>seconds<th><th>flags<th>seq<th>ack<th>relative seq<th>relative ack
<th>length<th>window<th>notes
)";
    static constexpr const char* script = R"(<script>
for (const figure of document.querySelectorAll("figure")) {
  const drawing = figure.querySelector("svg");
  const width = Number(drawing.getAttribute("width"));
  const height = Number(drawing.getAttribute("height"));
  let zoom = 1;
  for (const button of figure.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const factor = Number(button.dataset.zoom);
      zoom = factor === 0 ? 1 : Math.min(20, Math.max(0.1, zoom * factor));
      drawing.setAttribute("width", width * zoom);
      drawing.setAttribute("height", height * zoom);
    });
  }
}
document.documentElement.dataset.ready = "yes";
</script>
</html>
)";

    report_settings given_;
    std::map<std::size_t, moments> moments_;            // by number of the connection
    std::map<std::size_t, std::vector<graph>> graphs_;  // the same
    std::map<std::size_t, ladder_svg> ladders_;         // the same
    std::string rows_;                                  // of the list
    std::uint64_t count_ = 0;                           // of the rows
    std::uint64_t total_ = 0;                           // of the segments in the file
};

}  // namespace segments
