internal import CudaDeBERTa
internal import CudaDevice
package import Settings
package import Tensors

/// What guard models run on: the CPU's threads, or a GPU beside them.
package struct InferenceDevice: Sendable {
  /// Computes on the CPU, and for a GPU whatever is computed once.
  package let pool: WorkerPool
  /// nil without one.
  let gpu: CudaEngine?
  /// Precisions to try on the GPU, in this order.
  let precisions: [Precision]
  /// Whether a model that the GPU cannot run runs on the CPU instead.
  let fallsBack: Bool
  /// Batches that a model has at once: a GPU computes one while the next is made ready.
  package var batchesInFlightMax: Int { gpu == nil ? 1 : 2 }
  /// Why the settings' wish for any GPU ended with the CPU; nil where it did not.
  package let fallbackReason: String?
  /// What kept a model off the GPU before it came to the CPU.
  private(set) var refusals: [String] = []
  /// Told why a GPU is slower than it need be from now on.
  let slowed: @Sendable (_ reason: String) -> Void

  /// The CPU.
  package init(pool: WorkerPool) {
    self.init(pool: pool, gpu: nil, precisions: [], fallsBack: false, fallbackReason: nil)
  }

  /// What the settings ask for.
  ///
  /// - Parameter slowed: told what makes a GPU slower than it need be, at any time, on any thread.
  /// - Throws: `GuardModelFailure.device` when they ask for a GPU that cannot be used.
  package init(
    settings: EngineSettings, environment: [String: String],
    slowed: @escaping @Sendable (_ reason: String) -> Void = { _ in }
  ) throws(GuardModelFailure) {
    let pool = WorkerPool(workers: settings.threads)
    let ordinal: Int
    let fallsBack: Bool
    switch settings.device {
    case .cpu:
      self.init(pool: pool)
      return
    case .auto: (ordinal, fallsBack) = (0, true)
    case .cuda(let number): (ordinal, fallsBack) = (number, false)
    }
    let precisions: [Precision] =
      switch settings.precision {
      case .auto: [.fp16, .bf16]
      case .fp16: [.fp16]
      case .bf16: [.bf16]
      case .fp8: [.fp8]
      }
    do throws(CudaFailure) {
      let search = LibrarySearch(environment: environment)
      let gpu = try CudaEngine(ordinal: ordinal, search: search, environment: environment)
      if gpu.lacksProductLibrary {
        slowed("libcublasLt was not found: dense products are done by a slower kernel")
      }
      self.init(
        pool: pool, gpu: gpu, precisions: precisions, fallsBack: fallsBack, fallbackReason: nil,
        slowed: slowed)
    } catch {
      guard fallsBack else { throw .device("cuda:\(ordinal): \(error)") }
      self.init(
        pool: pool, gpu: nil, precisions: [], fallsBack: false, fallbackReason: error.summary)
    }
  }

  private init(
    pool: WorkerPool, gpu: CudaEngine?, precisions: [Precision], fallsBack: Bool,
    fallbackReason: String?, slowed: @escaping @Sendable (_ reason: String) -> Void = { _ in }
  ) {
    self.pool = pool
    self.gpu = gpu
    self.precisions = precisions
    self.fallsBack = fallsBack
    self.fallbackReason = fallbackReason
    self.slowed = slowed
  }

  /// The same device with other threads of the CPU.
  package func with(pool: WorkerPool) -> InferenceDevice {
    InferenceDevice(
      pool: pool, gpu: gpu, precisions: precisions, fallsBack: fallsBack,
      fallbackReason: fallbackReason, slowed: slowed)
  }

  /// The CPU, for a model that the GPU cannot run after all; nil where there is no GPU.
  ///
  /// - Throws: `GuardModelFailure.device` when the settings ask for the GPU by name.
  package func withoutGPU(because reason: String) throws(GuardModelFailure) -> InferenceDevice? {
    guard let gpu else { return nil }
    guard fallsBack else { throw .device("\(gpu.name) cannot run the model: \(reason)") }
    var cpu = InferenceDevice(pool: pool)
    cpu.refusals = [reason]
    return cpu
  }
}

extension CudaEngine {
  /// As settings name it, such as `cuda:0`.
  var name: String { "cuda:\(device.ordinal)" }
}

extension CudaFailure {
  /// One line, without the places where a library was looked for.
  var summary: String {
    if case .missing(let library, _) = self { return "\(library) was not found" }
    return description.split(separator: "\n").first.map(String.init) ?? description
  }
}
