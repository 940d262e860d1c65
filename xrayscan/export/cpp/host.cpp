// A host in miniature: computes every golden case of a bundle and writes what the checker compares.
//
//   host BUNDLE RESULTS
//   xrayscan export --check BUNDLE --results RESULTS
//
// Built with XRAYSCAN_WITHOUT_RUNTIME it takes the golden answer in the network's place, and so shows the rest alone.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "grid.hpp"
#include "network.hpp"
#include "novelty.hpp"

namespace fs = std::filesystem;
using namespace xrayscan;

// Files hold little-endian numbers; so does every processor that ONNX Runtime is shipped for.
static std::vector<float> read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<float> numbers(fs::file_size(path) / sizeof(float));
    if (!file.read(reinterpret_cast<char*>(numbers.data()), std::streamsize(numbers.size() * sizeof(float))))
        throw std::runtime_error("can not read " + path.string());
    return numbers;
}

static void write(const fs::path& path, const std::vector<float>& numbers) {
    std::ofstream file(path, std::ios::binary);
    if (!file.write(reinterpret_cast<const char*>(numbers.data()), std::streamsize(numbers.size() * sizeof(float))))
        throw std::runtime_error("can not write " + path.string());
}

// Images of one size, that lie one after another in a file.
static std::vector<Image> images(const fs::path& path, int rows, int columns) {
    const std::vector<float> numbers = read(path);
    const std::size_t size = std::size_t(rows) * columns;
    std::vector<Image> out;
    for (std::size_t from = 0; from + size <= numbers.size(); from += size) {
        out.emplace_back(rows, columns);
        std::copy_n(numbers.begin() + std::ptrdiff_t(from), size, out.back().at.begin());
    }
    if (out.empty() || out.size() * size != numbers.size()) throw std::runtime_error(path.string() + " has not the size that cases.tsv says");
    return out;
}

struct Case {
    std::string name;
    int energies, rows, columns;
    double row_pitch, column_pitch, grid, area;
    int grid_rows, grid_columns, padded_rows, padded_columns;  // what a host computes itself

    friend std::istream& operator>>(std::istream& in, Case& c) {
        return in >> c.name >> c.energies >> c.rows >> c.columns >> c.row_pitch >> c.column_pitch >> c.grid >> c.area >> c.grid_rows >>
               c.grid_columns >> c.padded_rows >> c.padded_columns;
    }
};

#ifdef XRAYSCAN_WITHOUT_RUNTIME
static Answer answered(const fs::path& golden) {
    const bool tells = fs::exists(golden / "features.f32");
    return {read(golden / "output.f32"), tells ? read(golden / "features.f32") : std::vector<float>()};
}
#endif

// What comes after the network; gives the scan score.
static float after(const std::vector<float>& answer, const Scan& scan, const Case& c, const fs::path& out, const std::string& prefix) {
    std::vector<float> maps;
    float score = 0.0f;
    for (std::size_t plane = 0; plane < 5; ++plane) {
        const Image map = to_scan(answer.data() + plane * answer.size() / 5, scan, c.grid);
        maps.insert(maps.end(), map.at.begin(), map.at.end());
        if (plane == 0) score = scan_score(map, scan.row_pitch, scan.column_pitch, c.area);
    }
    write(out / (prefix + "maps.f32"), maps);
    write(out / (prefix + "score.f32"), {score});
    return score;
}

static void run(const fs::path& bundle, const fs::path& results) {
    Known known;
    const bool knows = fs::exists(bundle / "novelty");
    if (knows)
        known = {read(bundle / "novelty/center.f32"),   read(bundle / "novelty/scale.f32"),    read(bundle / "novelty/axes.f32"),
                 read(bundle / "novelty/variance.f32"), read(bundle / "novelty/residual.f32"), read(bundle / "novelty/known.f32")};
#ifndef XRAYSCAN_WITHOUT_RUNTIME
    Network network(bundle / "model.onnx");
#endif
    std::ifstream list(bundle / "golden" / "cases.tsv");
    std::string head;
    if (!std::getline(list, head)) throw std::runtime_error("can not read golden/cases.tsv of " + bundle.string());
    for (Case c; list >> c;) {
        const fs::path golden = bundle / "golden" / c.name, out = results / c.name;
        const Scan scan{images(golden / "optical_depth.f32", c.rows, c.columns), images(golden / "valid.f32", c.rows, c.columns)[0],
                        images(golden / "opaque.f32", c.rows, c.columns)[0], c.row_pitch, c.column_pitch};
        const std::vector<Image> stack = planes(scan, c.grid);
        std::vector<float> input = padded(stack);
#ifdef XRAYSCAN_WITHOUT_RUNTIME
        const Answer answer = answered(golden);
#else
        const Size size = padded_size(grid_size(scan, c.grid));
        const Answer answer = network(input, size.rows, size.columns);
#endif
        fs::create_directories(out);
        write(out / "input.f32", input);
        write(out / "output.f32", answer.planes);
        if (!answer.features.empty()) write(out / "features.f32", answer.features);
        const float score = after(answer.planes, scan, c, out, "");
        after(read(golden / "drawn.f32"), scan, c, out, "drawn-");
        if (knows) write(out / "novelty.f32", {novelty(summary(answer.features, stack[3]), known)});
        std::cout << c.name << ": scan score " << score << "\n";
    }
}

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: host BUNDLE RESULTS\n";
        return 2;
    }
    try {
        run(arguments[1], arguments[2]);
    } catch (const std::exception& error) {
        std::cerr << "host: " << error.what() << "\n";
        return 1;
    }
}
