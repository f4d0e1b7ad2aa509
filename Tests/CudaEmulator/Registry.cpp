#include "Registry.hpp"

#include <cstring>
#include <utility>

#include "../../Sources/CudaDeBERTa/Kernels/activation.cu"
#include "../../Sources/CudaDeBERTa/Kernels/attention.cu"
#include "../../Sources/CudaDeBERTa/Kernels/conversion.cu"
#include "../../Sources/CudaDeBERTa/Kernels/embedding.cu"
#include "../../Sources/CudaDeBERTa/Kernels/normalization.cu"
#include "../../Sources/CudaDeBERTa/Kernels/pooling.cu"
#include "../../Sources/CudaDeBERTa/Kernels/product.cu"

namespace registry {
namespace {
template <auto kernel>
struct Caller;

template <typename... Parameters, void (*kernel)(Parameters...)>
struct Caller<kernel> {
  template <size_t... places>
  static void spread(void **parameters, std::index_sequence<places...>) {
    kernel(*static_cast<Parameters *>(parameters[places])...);
  }

  static void call(void **parameters) {
    spread(parameters, std::index_sequence_for<Parameters...>());
  }

  static std::vector<size_t> bytes() { return {sizeof(Parameters)...}; }
};

#define ENTRY(source, name) {source, #name, Caller<name>::bytes(), Caller<name>::call}
#define BOTH(source, name) ENTRY(source, name##_fp16), ENTRY(source, name##_bf16)

const std::vector<Kernel> kernels = {
    BOTH("activation.cu", activation),
    BOTH("conversion.cu", conversion),
    ENTRY("conversion.cu", conversion_fp8),
#define ROWS(parts)                                        \
  ENTRY("embedding.cu", embedding_fp16_##parts),           \
      ENTRY("embedding.cu", embedding_bf16_##parts),       \
      ENTRY("normalization.cu", normalization_fp16_##parts), \
      ENTRY("normalization.cu", normalization_bf16_##parts),
    FOR_ROW_PARTS(ROWS)
    BOTH("pooling.cu", first_tokens),
    BOTH("pooling.cu", classifier),
    BOTH("product.cu", product),
    ENTRY("attention.cu", attention_fp16_16_tile32),
    ENTRY("attention.cu", attention_fp16_32_tile32),
    ENTRY("attention.cu", attention_fp16_64_tile32),
    ENTRY("attention.cu", attention_fp16_16),
    ENTRY("attention.cu", attention_fp16_32),
    ENTRY("attention.cu", attention_fp16_64),
    ENTRY("attention.cu", attention_bf16_16),
    ENTRY("attention.cu", attention_bf16_32),
    ENTRY("attention.cu", attention_bf16_64),
};
}  // namespace

const Kernel *find(const std::string &source, const std::string &name) {
  for (const Kernel &kernel : kernels)
    if (source == kernel.source && name == kernel.name) return &kernel;
  return nullptr;
}

bool hasSource(const std::string &source) {
  for (const Kernel &kernel : kernels)
    if (source == kernel.source) return true;
  return false;
}
}  // namespace registry
