internal import CudaDeBERTa
internal import CudaDevice
internal import DeBERTa
internal import Tensors

/// A classifier on its device, and in words what that is.
struct PlacedClassifier: Sendable {
  let classifier: any SequenceClassifier
  /// Such as `cpu (16 threads)` or `cuda:0 (NVIDIA H100, fp16)`.
  let device: String
  /// What kept the model off the GPU; empty where nothing did.
  let refusals: [String]

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
          self.refusals = refusals
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
    classifier = cpu
    self.device = Self.name(of: device.pool)
    self.refusals = refusals
  }

  /// The same model with other threads of the CPU.
  init(_ other: PlacedClassifier, pool: WorkerPool) {
    refusals = other.refusals
    if let cpu = other.classifier as? DeBERTaClassifier {
      classifier = DeBERTaClassifier(cpu, pool: pool)
      device = Self.name(of: pool)
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

  private static func name(of pool: WorkerPool) -> String {
    "cpu (\(pool.workers) \(pool.workers == 1 ? "thread" : "threads"))"
  }
}
