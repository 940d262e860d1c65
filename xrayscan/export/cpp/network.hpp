// The network through ONNX Runtime's C++ API; or, built with XRAYSCAN_WITHOUT_RUNTIME, no network at all.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace xrayscan {

struct Answer {
    std::vector<float> planes;    // (5, padded rows, padded columns): person, void, density, added, missing
    std::vector<float> features;  // (features, padded rows / 32, padded columns / 32); empty of a model that does not tell
};

}  // namespace xrayscan

#ifndef XRAYSCAN_WITHOUT_RUNTIME
#include <onnxruntime_cxx_api.h>

namespace xrayscan {

// Make one for the life of the program; it may be called from several threads.
class Network {
public:
    explicit Network(const std::filesystem::path& file) : session_(environment_, file.c_str(), Ort::SessionOptions()) {
        Ort::AllocatorWithDefaultOptions allocator;
        input_ = session_.GetInputNameAllocated(0, allocator).get();
        for (std::size_t i = 0; i < std::min<std::size_t>(2, session_.GetOutputCount()); ++i)
            outputs_.push_back(session_.GetOutputNameAllocated(i, allocator).get());
    }

    // Of (1, 5, rows, columns), rows and columns multiples of 32.
    Answer operator()(std::vector<float>& given, std::int64_t rows, std::int64_t columns) {
        const std::array<std::int64_t, 4> shape{1, 5, rows, columns};
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        const auto tensor = Ort::Value::CreateTensor<float>(memory, given.data(), given.size(), shape.data(), shape.size());
        const char* input = input_.c_str();
        std::vector<const char*> outputs;
        for (const auto& name : outputs_) outputs.push_back(name.c_str());
        const auto values = session_.Run(Ort::RunOptions{nullptr}, &input, &tensor, 1, outputs.data(), outputs.size());
        Answer answer{copied(values[0]), values.size() > 1 ? copied(values[1]) : std::vector<float>()};
        if (answer.planes.size() != given.size()) throw std::runtime_error("the network's answer has another size than its input");
        return answer;
    }

private:
    static std::vector<float> copied(const Ort::Value& value) {
        const float* data = value.GetTensorData<float>();
        return {data, data + value.GetTensorTypeAndShapeInfo().GetElementCount()};
    }

    // Official builds since 1.29 would send names and hashes of models to their maker.
    static Ort::Env silent() {
#ifndef _WIN32
        setenv("ORT_DISABLE_TELEMETRY", "1", 0);
#endif
        Ort::Env environment{ORT_LOGGING_LEVEL_WARNING, "xrayscan"};
        environment.DisableTelemetryEvents();
        return environment;
    }

    Ort::Env environment_ = silent();
    Ort::Session session_;
    std::string input_;
    std::vector<std::string> outputs_;
};

}  // namespace xrayscan
#endif
