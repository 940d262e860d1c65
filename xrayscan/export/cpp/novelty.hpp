// How unlike the known scans a scan is, from the network's second output; only for bundles with a folder novelty/.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "grid.hpp"

namespace xrayscan {

struct Known {
    std::vector<float> center, scale, axes, variance, residual, known;  // the files of novelty/
};

// `features` is (features, rows / 32, columns / 32); `valid` the fourth plane of the grid, not padded.
inline std::vector<float> summary(const std::vector<float>& features, const Image& valid) {
    const Size cells{padded_size({valid.rows, valid.columns}).rows / multiple, padded_size({valid.rows, valid.columns}).columns / multiple};
    const std::size_t cell_count = std::size_t(cells.rows) * cells.columns, count = features.size() / cell_count;
    std::vector<double> weight(cell_count);
    double total = 0.0;
    for (int r = 0; r < valid.rows; ++r)
        for (int c = 0; c < valid.columns; ++c) {
            weight[std::size_t(r / multiple) * cells.columns + c / multiple] += valid(r, c);
            total += valid(r, c);
        }
    for (double& one : weight) one = total > 0.0 ? one / total : 1.0 / cell_count;
    std::vector<float> out(2 * count);
    const auto compressed = [](double value) { return float(std::copysign(std::log1p(10.0 * std::abs(value)), value)); };
    for (std::size_t f = 0; f < count; ++f) {
        double mean = 0.0, square = 0.0;
        for (std::size_t i = 0; i < cell_count; ++i) mean += weight[i] * features[f * cell_count + i];
        for (std::size_t i = 0; i < cell_count; ++i) square += weight[i] * std::pow(features[f * cell_count + i] - mean, 2);
        out[f] = compressed(mean);
        out[count + f] = compressed(std::sqrt(square));
    }
    return out;
}

// Share of the known scans that are less unlike, 0 to 1.
inline float novelty(const std::vector<float>& summary, const Known& known) {
    const std::size_t size = summary.size(), count = known.variance.size();
    std::vector<double> apart(size);
    double rest = 0.0, distance = 0.0;
    for (std::size_t i = 0; i < size; ++i) {
        apart[i] = (double(summary[i]) - known.center[i]) / known.scale[i];
        rest += apart[i] * apart[i];
    }
    for (std::size_t k = 0; k < count; ++k) {
        double along = 0.0;
        for (std::size_t i = 0; i < size; ++i) along += known.axes[k * size + i] * apart[i];
        rest -= along * along;
        distance += along * along / known.variance[k];
    }
    distance = (distance + std::max(rest, 0.0) / known.residual[0]) / double(size);
    const auto below = std::lower_bound(known.known.begin(), known.known.end(), float(distance)) - known.known.begin();
    return float(below) / float(known.known.size());
}

}  // namespace xrayscan
