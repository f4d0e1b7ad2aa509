// The end of each half of a layer: states = norm(states + addend + bias).
#include "rows.cuh"

/// A warp per row; blocks of 128 threads, grid (ceil(rows / 4)).
///
/// `states` is (rows, columns), as is `addend` or null; `bias` (columns), or null where the product
/// added it; `scale` and `shift` (columns); `output` (rows, columns) may be `states`; `quarters` is the
/// output in 8 bits, or null.
template <int parts, typename Element>
DEVICE void addAndNormalize(
    const Element *states, const Element *addend, const float *bias, const float *scale,
    const float *shift, float epsilon, Element *output, uint8_t *quarters, int rows, int columns) {
  if (ownRow() >= rows) return;
  const size_t start = (size_t)ownRow() * columns;
  WarpRow<parts> row(columns);
  const auto state = row.fetchRow(states + start);
  row.add(addend ? addend + start : nullptr);
  row.add(state);
  row.add(bias);
  row.normalize(scale, shift, epsilon);
  row.store(output + start, quarters ? quarters + start : nullptr);
}

#define NORMALIZATION(name, Element, parts)                                                         \
  KERNEL THREADS(32 * rowsPerBlock) name(                                                           \
      const Element *states, const Element *addend, const float *bias, const float *scale,          \
      const float *shift, float epsilon, Element *output, uint8_t *quarters, int rows,              \
      int columns) {                                                                                \
    addAndNormalize<parts>(                                                                         \
        states, addend, bias, scale, shift, epsilon, output, quarters, rows, columns);              \
  }

#define NORMALIZATION_FP16(parts) NORMALIZATION(normalization_fp16_##parts, Half, parts)
FOR_ROW_PARTS(NORMALIZATION_FP16)
#ifdef HAS_BF16
#define NORMALIZATION_BF16(parts) NORMALIZATION(normalization_bf16_##parts, Brain, parts)
FOR_ROW_PARTS(NORMALIZATION_BF16)
#endif
