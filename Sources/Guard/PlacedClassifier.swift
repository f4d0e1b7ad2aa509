internal import CudaDeBERTa
internal import CudaDevice
internal import DeBERTa
internal import Tensors

/// A classifier on its device, and in words what that is.
struct PlacedClassifier: Sendable {
  let classifier: any SequenceClassifier
  /// Such as `cpu (16 threads, bf16)` or `cuda:0 (NVIDIA H100, fp16)`.
  let device: String
  /// The numbers that it multiplies, such as `fp32`.
  let precision: String
  /// What kept the model off the GPU; empty where nothing did.
  let refusals: [String]
  /// Faster precisions of the CPU that were not taken, and why.
  let slowerBecause: [String]

  var isOnGPU: Bool { !(classifier is LanedClassifier) }

  /// Tokens that are computed at once of what others must not wait for: about a window for each two
  /// threads. nil on a GPU, which is done with anything soon.
  func turnTokens(windowTokens: Int) -> Int? {
    guard let cpu = classifier as? LanedClassifier else { return nil }
    return windowTokens * max(1, cpu.whole.threads / 2)
  }

  /// Places a model where the device asks for it.
  ///
  /// - Parameters:
  ///   - texts: sequences of `DeviceComparison.texts`, to compare a GPU with the CPU by.
  ///   - windowTokens: no sequence is ever longer.
  /// - Throws: `GuardModelFailure.device` when that is a GPU that cannot run it as the CPU does.
  init(
    _ model: LoadedModel, on device: InferenceDevice, texts: [[Int32]], windowTokens: Int
  ) throws(GuardModelFailure) {
    let cpu = DeBERTaClassifier(model, pool: device.pool)
    var refusals = device.refusals
    if let gpu = device.gpu {
      let comparison = try DeviceComparison(cpu, texts: texts, windowTokens: windowTokens)
      var reasons: [(reason: String, precisions: [String])] = []
      for precision in device.precisions {
        do throws(Refusal) {
          classifier = try Self.place(model, on: gpu, precision, of: device, comparison)
          self.device = "\(gpu.name) (\(gpu.device.name), \(precision.rawValue))"
          self.precision = precision.rawValue
          self.refusals = refusals
          slowerBecause = []
          return
        } catch {
          // What no precision can do is said once.
          if reasons.last?.reason != error.reason { reasons.append((error.reason, [])) }
          reasons[reasons.count - 1].precisions.append(precision.rawValue)
        }
      }
      refusals += reasons.map { "\($0.precisions.joined(separator: ", ")): \($0.reason)" }
      guard device.fallsBack else {
        throw .device("\(gpu.name) cannot run the model: \(refusals.joined(separator: "; "))")
      }
    }
    var reasons: [String] = []
    let (chosen, format) = try Self.fastest(
      model, cpu, of: device, texts: texts, windowTokens: windowTokens, otherwise: &reasons)
    classifier = LanedClassifier(chosen)
    precision = format?.rawValue ?? "fp32"
    self.device = Self.name(of: device.pool, precision)
    self.refusals = refusals
    slowerBecause = reasons
  }

  /// The model in the first of the device's formats in which it judges as with 32-bit floats; else
  /// with these.
  private static func fastest(
    _ model: LoadedModel, _ floats: DeBERTaClassifier, of device: InferenceDevice,
    texts: [[Int32]], windowTokens: Int, otherwise reasons: inout [String]
  ) throws(GuardModelFailure) -> (DeBERTaClassifier, ProductFormat?) {
    var comparison: DeviceComparison?
    for format in device.formats {
      guard format.isFast else {
        reasons.append("\(format.rawValue): this processor has no instructions for it")
        continue
      }
      let beside: DeviceComparison
      if let comparison {
        beside = comparison
      } else {
        beside = try DeviceComparison(
          floats, texts: texts, lengths: DeviceComparison.briefLengths,
          windowTokens: windowTokens)
        comparison = beside
      }
      let narrow = DeBERTaClassifier(
        model, format: format, magnitudes: try beside.inputMagnitudes(of: floats),
        pool: device.pool)
      if device.skipsComparison { return (narrow, format) }
      guard let found = try beside.disagreement(of: narrow, format) else {
        return (narrow, format)
      }
      reasons.append("\(format.rawValue): \(found)")
    }
    if device.isFormatRequired {
      throw .device("the CPU cannot run the model in \(reasons.joined(separator: "; "))")
    }
    return (floats, nil)
  }

  /// The same model with other threads of the CPU.
  init(_ other: PlacedClassifier, pool: WorkerPool) {
    refusals = other.refusals
    slowerBecause = other.slowerBecause
    precision = other.precision
    if let cpu = other.classifier as? LanedClassifier {
      classifier = LanedClassifier(cpu, pool: pool)
      device = Self.name(of: pool, precision)
    } else {
      classifier = other.classifier
      device = other.device
    }
  }

  /// Why a model does not run on a GPU in one precision.
  private struct Refusal: Error {
    let reason: String
  }

  /// The model on a GPU, where it judges as on the CPU.
  private static func place(
    _ model: LoadedModel, on gpu: CudaEngine, _ precision: Precision, of device: InferenceDevice,
    _ comparison: DeviceComparison
  ) throws(Refusal) -> CudaClassifier {
    let disagreement: String
    do throws(CudaFailure) {
      let classifier = try CudaClassifier(
        model, precision: precision, engine: gpu, slowed: device.slowed)
      guard
        let found = try comparison.disagreement(
          of: classifier, precision, isChosen: device.precisions.count > 1)
      else { return classifier }
      disagreement = found
    } catch {
      throw Refusal(reason: error.summary)
    }
    throw Refusal(reason: disagreement)
  }

  private static func name(of pool: WorkerPool, _ precision: String) -> String {
    "cpu (\(pool.workers) \(pool.workers == 1 ? "thread" : "threads"), \(precision))"
  }
}
