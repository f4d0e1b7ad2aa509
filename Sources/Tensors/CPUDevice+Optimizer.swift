import CKernels
import Synchronization

/// The numbers of one AdamW step (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2, as PyTorch
/// computes it: decay is multiplied with the learning rate).
package struct AdamWStep: Sendable {
  /// Multiplies the gradient before anything else: clipping.
  package var gradientScale: Float
  package var rate: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var weightDecay: Float
  /// The step's number, from 1.
  package var number: Int

  package init(
    gradientScale: Float, rate: Float, beta1: Float = 0.9, beta2: Float = 0.999,
    epsilon: Float = 1e-8, weightDecay: Float, number: Int
  ) {
    self.gradientScale = gradientScale
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.number = number
  }

  var kernelStep: adamw_step {
    func correction(_ beta: Float) -> Double {
      1 - (0..<number).reduce(1.0) { power, _ in power * Double(beta) }
    }
    return adamw_step(
      gradient_scale: gradientScale, beta_1: beta1, beta_2: beta2, epsilon: epsilon,
      rate: Float(Double(rate) / correction(beta1)),
      square_correction: Float(1 / correction(beta2).squareRoot()),
      decay: 1 - rate * weightDecay)
  }
}

/// The state that AdamW keeps for a tensor: running means of the gradient and of its square.
package struct AdamWMoments: Sendable {
  package let means: ArenaTensor
  package let squares: ArenaTensor

  /// Two tensors of the weight's shape.
  package init(means: ArenaTensor, squares: ArenaTensor) {
    self.means = means
    self.squares = squares
  }
}

extension CPUDevice {
  /// Floats that one worker takes at once.
  private static let optimizerChunk = 1 << 16

  /// One AdamW step on `weight`.
  package func adamW(
    _ weight: ArenaTensor, _ moments: AdamWMoments, gradient: ArenaTensor, _ step: AdamWStep
  ) {
    precondition(weight.count == gradient.count, "sizes differ")
    let numbers = step.kernelStep
    let (w, g) = unsafe (weight.block, gradient.block)
    let (m, v) = unsafe (moments.means.block, moments.squares.block)
    let count = weight.count
    pool.parallelFor((count + Self.optimizerChunk - 1) / Self.optimizerChunk) { index, _ in
      let start = index * Self.optimizerChunk
      unsafe kernel_adamw(
        w.base + start, m.base + start, v.base + start, g.base + start,
        min(Self.optimizerChunk, count - start), numbers)
    }
  }

  /// One AdamW step on a table whose gradient has few rows; the other rows' moments and weights
  /// decay, as they do where all gradients are stored.
  package func adamW(
    _ weight: ArenaTensor, _ moments: AdamWMoments, gradient: SparseRows, _ step: AdamWStep
  ) {
    precondition(weight.shape == [gradient.rows, gradient.columns], "sizes differ")
    let numbers = step.kernelStep
    let columns = gradient.columns
    let w = unsafe weight.block
    let (m, v) = unsafe (moments.means.block, moments.squares.block)
    let rows = unsafe RowsToRead(rows: gradient)
    let chunk = max(1, Self.optimizerChunk / columns)
    pool.parallelFor((gradient.rows + chunk - 1) / chunk) { index, _ in
      for row in index * chunk..<min((index + 1) * chunk, weight.shape[0]) {
        let start = row * columns
        unsafe rows.rows.withRow(row) { values in
          if let values = unsafe values {
            unsafe kernel_adamw(
              w.base + start, m.base + start, v.base + start, values, columns, numbers)
          } else {
            unsafe kernel_adamw_without_gradient(
              w.base + start, m.base + start, v.base + start, columns, numbers)
          }
        }
      }
    }
  }

  /// The sum of the squares of a tensor's floats, in the same order whatever the workers.
  package func sumOfSquares(_ tensor: ArenaTensor) -> Double {
    let values = unsafe tensor.block
    let count = tensor.count
    let chunks = (count + Self.optimizerChunk - 1) / Self.optimizerChunk
    let partial = Mutex([Double](repeating: 0, count: chunks))
    pool.parallelFor(chunks) { index, _ in
      let start = index * Self.optimizerChunk
      let sum = unsafe kernel_sum_of_squares(
        values.base + start, min(Self.optimizerChunk, count - start))
      partial.withLock { $0[index] = sum }
    }
    return partial.withLock { $0.reduce(0, +) }
  }

  @unsafe private struct RowsToRead: @unchecked Sendable {
    // @unchecked Sendable: nobody writes the rows while the workers read them.
    let rows: SparseRows
  }
}
