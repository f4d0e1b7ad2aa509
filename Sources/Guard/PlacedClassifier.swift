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
  /// - Parameter texts: sequences of `DeviceComparison.texts`, to compare a GPU with the CPU by.
  /// - Throws: `GuardModelFailure.device` when that is a GPU that cannot run it as the CPU does.
  init(
    _ model: LoadedModel, on device: InferenceDevice, texts: [[Int32]]
  ) throws(GuardModelFailure) {
    let cpu = DeBERTaClassifier(model, pool: device.pool)
    var refusals: [String] = []
    if let gpu = device.gpu {
      for precision in device.precisions {
        do throws(CudaFailure) {
          let classifier = try CudaClassifier(model, precision: precision, engine: gpu)
          let comparison = try DeviceComparison(classifier, cpu, texts: texts)
          guard
            let disagreement = comparison.disagreement(
              precision, isChosen: device.precisions.count > 1)
          else {
            self.classifier = classifier
            self.device = "cuda:\(gpu.device.ordinal) (\(gpu.device.name), \(precision.rawValue))"
            self.refusals = refusals
            return
          }
          refusals.append(disagreement)
        } catch {
          refusals.append("\(precision.rawValue): \(error.summary)")
        }
      }
      guard device.fallsBack else {
        throw .device(
          "cuda:\(gpu.device.ordinal) cannot run the model: \(refusals.joined(separator: "; "))")
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

  private static func name(of pool: WorkerPool) -> String {
    "cpu (\(pool.workers) \(pool.workers == 1 ? "thread" : "threads"))"
  }
}
