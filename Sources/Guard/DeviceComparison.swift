internal import CudaDeBERTa
internal import CudaDevice
internal import DeBERTa
internal import Glibc

/// Whether a model has the same opinion on a GPU as on the CPU, which computes with 32-bit floats.
///
/// A precision that fits one model may overflow or blur another; what depends on it is whether
/// text is let through. So it is looked at for each model, each time that it is loaded.
struct DeviceComparison {
  private let differences: [Double]

  /// Lengths of the sequences that are compared: one tile, several, and their edges.
  private static let lengths = [2, 9, 24, 40, 63, 64, 65, 100, 129, 200]

  /// Judges some sequences on both.
  init(_ gpu: CudaClassifier, _ cpu: DeBERTaClassifier) throws(CudaFailure) {
    let batch = TokenBatch(Self.sequences(for: cpu.configuration))
    do throws(BatchError) {
      differences = zip(try gpu.classify(batch), try cpu.classify(batch)).map {
        abs($0.unsafeProbability - $1.unsafeProbability)
      }
    } catch {
      throw .failed(function: "judging on the GPU", reason: "\(error)")
    }
  }

  /// What speaks against the precision; nil when nothing does.
  func disagreement(_ precision: Precision) -> String? {
    let bound = Self.differenceMax(precision)
    // Written so that what is not a number does not pass.
    let wrong = differences.filter { !($0 <= bound) }
    guard let first = wrong.max() else { return nil }
    return
      "\(precision.rawValue): scores differ from the CPU's by up to \(first), where \(bound) is allowed"
  }

  /// The largest difference of P(unsafe) that is no difference.
  static func differenceMax(_ precision: Precision) -> Double {
    switch precision {
    case .fp16: 0.005
    case .bf16: 0.02
    }
  }

  /// Tokens from all over the vocabulary, always the same.
  private static func sequences(for shape: ModelConfiguration) -> [[Int32]] {
    var state: UInt64 = 0x5EED
    let longest = shape.absolutePositions ?? .max
    return lengths.map { length in
      (0..<min(length, longest)).map { _ in
        // Knuth's MMIX generator; its high bits are good enough to spread tokens.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int32((state >> 33) % UInt64(shape.vocabulary))
      }
    }
  }
}
