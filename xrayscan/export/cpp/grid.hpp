// What comes before and after the network: the scan's planes -> the network's input; its answer -> the scan's own pixels, and
// the scan score. The standard library alone; every step is held against the golden vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace xrayscan {

constexpr int multiple = 32;                         // the network takes rows and columns that are multiples of this
constexpr float depth_floor = -0.2f, depth_limit = 8.0f;  // optical depth
constexpr float shade = 0.1f;                        // score from which on a pixel belongs to a place
constexpr double head_area = 0.02;                   // m2

struct Image {
    int rows = 0, columns = 0;
    std::vector<float> at;  // row by row

    Image(int rows, int columns, float value = 0.0f) : rows(rows), columns(columns), at(std::size_t(rows) * columns, value) {}
    float& operator()(int row, int column) { return at[std::size_t(row) * columns + column]; }
    float operator()(int row, int column) const { return at[std::size_t(row) * columns + column]; }
};

struct Scan {
    std::vector<Image> optical_depth;  // high energy first; anything, NaN included, where not valid
    Image valid, opaque;               // 1 or 0
    double row_pitch, column_pitch;    // m
};

struct Size {
    int rows, columns;
};

inline Image transposed(const Image& image) {
    Image out(image.columns, image.rows);
    for (int r = 0; r < image.rows; ++r)
        for (int c = 0; c < image.columns; ++c) out(c, r) = image(r, c);
    return out;
}

// Half to even, in double precision, as the library rounds.
inline int rounded(double value) { return std::max(1, int(std::nearbyint(value))); }

inline Size grid_size(const Scan& scan, double grid) {
    return {rounded(scan.valid.rows * scan.row_pitch / grid), rounded(scan.valid.columns * scan.column_pitch / grid)};
}

inline Size padded_size(Size size) {
    const auto up = [](int length) { return (length + multiple - 1) / multiple * multiple; };
    return {up(size.rows), up(size.columns)};
}

// Which pixels of an axis make one of the new axis, and their weights.
struct Span {
    int first;
    std::vector<double> weights;
};

// Mean over the area that a new pixel covers; what covers no more than a thousandth of a pixel is left out.
inline std::vector<Span> by_area(int from, int to) {
    std::vector<Span> spans;
    const double scale = double(from) / to;
    for (int i = 0; i < to; ++i) {
        const double low = i * scale, high = low + scale, cell = std::min(scale, from - low);
        Span span{-1, {}};
        for (int k = int(low); k < std::min(from, int(std::ceil(high))); ++k) {
            const double covered = std::min(k + 1.0, high) - std::max(double(k), low);
            if (covered <= 1e-3) continue;
            if (span.first < 0) span.first = k;
            span.weights.push_back(covered / cell);
        }
        spans.push_back(span);
    }
    return spans;
}

// Between the two nearest pixel centers; beyond the outermost, their value.
inline std::vector<Span> by_line(int from, int to) {
    std::vector<Span> spans;
    for (int i = 0; i < to; ++i) {
        const double place = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
        const int k = std::min(int(place), std::max(0, from - 2));
        const double part = place - k;
        spans.push_back(from == 1 ? Span{0, {1.0}} : Span{k, {1.0 - part, part}});
    }
    return spans;
}

inline Image along_columns(const Image& image, const std::vector<Span>& spans) {
    Image out(image.rows, int(spans.size()));
    for (int r = 0; r < image.rows; ++r)
        for (int c = 0; c < out.columns; ++c) {
            double sum = 0.0;
            for (std::size_t k = 0; k < spans[c].weights.size(); ++k) sum += spans[c].weights[k] * image(r, spans[c].first + int(k));
            out(r, c) = float(sum);
        }
    return out;
}

inline Image resampled(const Image& image, Size size, std::vector<Span> (*rule)(int, int)) {
    const Image wide = along_columns(image, rule(image.columns, size.columns));
    return transposed(along_columns(transposed(wide), rule(image.rows, size.rows)));
}

inline Image to_grid(const Image& image, Size size) {
    if (size.rows == image.rows && size.columns == image.columns) return image;
    const bool shrinks = size.rows <= image.rows && size.columns <= image.columns;
    return resampled(image, size, shrinks ? by_area : by_line);
}

// Mean over `reach` pixels of each row; beyond an end the picture is mirrored at its outermost pixel (dcb|abcd|cba).
inline Image row_means(const Image& image, int reach) {
    Image out(image.rows, image.columns);
    const int n = image.columns, half = reach / 2;
    std::vector<double> sums(std::size_t(n) + reach);
    for (int r = 0; r < image.rows; ++r) {
        for (int i = 0; i < n + reach - 1; ++i) {
            int c = i - half;
            while (n > 1 && (c < 0 || c >= n)) c = c < 0 ? -c : 2 * (n - 1) - c;
            sums[i + 1] = sums[i] + image(r, n > 1 ? c : 0);
        }
        for (int c = 0; c < n; ++c) out(r, c) = float((sums[c + reach] - sums[c]) / reach);
    }
    return out;
}

inline Image box_mean(const Image& image, int reach) { return transposed(row_means(transposed(row_means(image, reach)), reach)); }

// Means over what is valid of each pixel of the grid; where nothing is, its neighbors' within ever wider squares.
inline Image filled(const Image& sums, const Image& share) {
    Image mean(sums.rows, sums.columns);
    std::vector<bool> empty(sums.at.size());
    for (std::size_t i = 0; i < sums.at.size(); ++i) {
        mean.at[i] = sums.at[i] / std::max(share.at[i], 1e-3f);
        empty[i] = share.at[i] < 1e-3f;
    }
    const auto any = [&] { return std::find(empty.begin(), empty.end(), true) != empty.end(); };
    for (int reach = 3; any() && reach < 2 * std::max(sums.rows, sums.columns); reach = 2 * reach + 1) {
        const Image near = box_mean(sums, reach), known = box_mean(share, reach);
        for (std::size_t i = 0; i < empty.size(); ++i)
            if (empty[i] && known.at[i] > 1e-4f) {
                mean.at[i] = near.at[i] / std::max(known.at[i], 1e-6f);
                empty[i] = false;
            }
    }
    return mean;
}

// The planes of the network's input on its grid, not padded: depth high, depth low, low present, valid, opaque.
inline std::vector<Image> planes(const Scan& scan, double grid) {
    const Size size = grid_size(scan, grid);
    const bool complete = std::all_of(scan.valid.at.begin(), scan.valid.at.end(), [](float v) { return v != 0.0f; });
    const Image share = complete ? Image(size.rows, size.columns, 1.0f) : to_grid(scan.valid, size);
    std::vector<Image> out;
    const std::size_t energies = std::min<std::size_t>(2, scan.optical_depth.size());
    for (std::size_t e = 0; e < energies; ++e) {
        Image depth = scan.optical_depth[e];
        for (std::size_t i = 0; i < depth.at.size(); ++i)
            if (scan.valid.at[i] == 0.0f) depth.at[i] = 0.0f;
        Image plane = to_grid(depth, size);
        if (!complete) plane = filled(plane, share);
        for (float& value : plane.at) value = std::clamp(value, depth_floor, depth_limit);
        out.push_back(std::move(plane));
    }
    if (energies == 1) out.push_back(out[0]);
    out.push_back(Image(size.rows, size.columns, energies == 2 ? 1.0f : 0.0f));
    out.push_back(share);
    out.push_back(to_grid(scan.opaque, size));
    return out;
}

// The network's input, (1, 5, padded rows, padded columns): the edge is repeated, and what is added is not valid.
inline std::vector<float> padded(const std::vector<Image>& stack) {
    const Size is{stack[0].rows, stack[0].columns}, wanted = padded_size(is);
    std::vector<float> out;
    for (std::size_t p = 0; p < stack.size(); ++p)
        for (int r = 0; r < wanted.rows; ++r)
            for (int c = 0; c < wanted.columns; ++c) {
                const bool added = r >= is.rows || c >= is.columns;
                out.push_back(added && p == 3 ? 0.0f : stack[p](std::min(r, is.rows - 1), std::min(c, is.columns - 1)));
            }
    return out;
}

// One plane of the network's output on the scan's own pixels; 0 where nothing can be said.
inline Image to_scan(const float* plane, const Scan& scan, double grid) {
    const Size size = grid_size(scan, grid), wide = padded_size(size);
    Image cut(size.rows, size.columns);
    for (int r = 0; r < size.rows; ++r) std::copy_n(plane + std::size_t(r) * wide.columns, size.columns, &cut(r, 0));
    Image map = resampled(cut, {scan.valid.rows, scan.valid.columns}, by_line);
    for (std::size_t i = 0; i < map.at.size(); ++i)
        if (scan.valid.at[i] == 0.0f || scan.opaque.at[i] != 0.0f) map.at[i] = 0.0f;
    return map;
}

// The highest score of a place: connected pixels, over corners too, of `shade` or more. It is the mean of the highest of them, as many as
// make `area`; what a place lacks of the area of a head counts as 0. A fainter pixel is a place of its own.
inline float scan_score(const Image& person, double row_pitch, double column_pitch, double area) {
    const double cell = row_pitch * column_pitch;
    const std::size_t most = std::size_t(rounded(area / cell)), least = std::min(most, std::size_t(rounded(head_area / cell)));
    std::vector<char> known(person.at.size());
    std::vector<std::size_t> next;
    double best = 0.0;
    for (std::size_t first = 0; first < person.at.size(); ++first) {
        if (known[first]) continue;
        known[first] = 1;
        std::vector<float> place{person.at[first]};
        if (place[0] >= shade) next.push_back(first);
        while (!next.empty()) {
            const int row = int(next.back() / person.columns), column = int(next.back() % person.columns);
            next.pop_back();
            for (int r = std::max(0, row - 1); r <= std::min(person.rows - 1, row + 1); ++r)
                for (int c = std::max(0, column - 1); c <= std::min(person.columns - 1, column + 1); ++c) {
                    const std::size_t at = std::size_t(r) * person.columns + c;
                    if (known[at] || person.at[at] < shade) continue;
                    known[at] = 1;
                    place.push_back(person.at[at]);
                    next.push_back(at);
                }
        }
        std::sort(place.begin(), place.end(), std::greater<float>());
        if (place.size() > most) place.resize(most);
        best = std::max(best, std::accumulate(place.begin(), place.end(), 0.0) / double(std::max(place.size(), least)));
    }
    return float(best);
}

}  // namespace xrayscan
