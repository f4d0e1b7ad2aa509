import Glibc
import Tensors

/// Twins of the kernels of training.
extension Reference {
  /// The slope of `gelu`: Φ(x) + x · φ(x).
  static func geluSlope(_ x: Double) -> Double {
    let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    return (1 + erf(x / 2.0.squareRoot())) / 2 + (density == 0 ? 0 : x * density)
  }

  /// The gradient at a row whose softmax(scale · row) is `weights`, for the one at the weights.
  static func softmaxGradient(
    _ gradient: [Double], weights: [Double], scale: Double
  ) -> [Double] {
    let mean = dot(gradient, weights)
    return zip(gradient, weights).map { $1 * ($0 - mean) * scale }
  }

  /// The gradients at the input, the scale and the shift of `normalize`, for the one at its output.
  static func normalizeGradient(
    _ gradient: [Double], of row: [Double], scale: [Double], epsilon: Double
  ) -> (input: [Double], scale: [Double], shift: [Double]) {
    let (standard, deviation) = standardized(row, epsilon: epsilon)
    let scaled = zip(gradient, scale).map(*)
    let mean = scaled.reduce(0, +) / Double(row.count)
    let slope = dot(scaled, standard) / Double(row.count)
    return (
      row.indices.map { (scaled[$0] - mean - standard[$0] * slope) / deviation },
      zip(gradient, standard).map(*), gradient
    )
  }

  /// 32 bits for a counter and a key: the finaliser of lowbias32, twice keyed.
  static func randomBits(_ counter: UInt32, key: UInt64) -> UInt32 {
    func mixed(_ word: UInt32) -> UInt32 {
      var word = (word ^ word >> 16) &* 0x7FEB_352D
      word = (word ^ word >> 15) &* 0x846C_A68B
      return word ^ word >> 16
    }
    let keyed = counter &* 0x9E37_79B9 &+ UInt32(truncatingIfNeeded: key)
    return mixed(mixed(keyed) &+ UInt32(truncatingIfNeeded: key >> 32))
  }

  /// A weight and its moments.
  struct Moments: Equatable {
    var weight: Double
    var mean: Double
    var square: Double

    init(weight: Double, mean: Double, square: Double) {
      self.weight = weight
      self.mean = mean
      self.square = square
    }
  }

  /// One AdamW step, as PyTorch documents it.
  static func adamW(_ old: Moments, gradient: Double, _ step: AdamWStep) -> Moments {
    let (beta1, beta2) = (Double(step.beta1), Double(step.beta2))
    let gradient = gradient * Double(step.gradientScale)
    let mean = beta1 * old.mean + (1 - beta1) * gradient
    let square = beta2 * old.square + (1 - beta2) * gradient * gradient
    let correctedMean = mean / (1 - pow(beta1, Double(step.number)))
    let correctedSquare = square / (1 - pow(beta2, Double(step.number)))
    let decayed = old.weight * (1 - Double(step.rate) * Double(step.weightDecay))
    let change =
      Double(step.rate) * correctedMean / (correctedSquare.squareRoot() + Double(step.epsilon))
    return Moments(weight: decayed - change, mean: mean, square: square)
  }
}
