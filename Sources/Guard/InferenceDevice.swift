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
  /// Formats to try on the CPU, in this order, before 32-bit floats.
  let formats: [ProductFormat]
  /// Takes the first format whatever it does to scores.
  private(set) var skipsComparison = false
  /// Whether the settings ask for the CPU with one format and nothing else.
  let isFormatRequired: Bool
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
  ///
  /// - Parameter formats: formats to try in this order, before 32-bit floats.
  package init(pool: WorkerPool, formats: [ProductFormat] = []) {
    self.init(pool: pool, gpu: nil, precisions: [], formats: formats, fallsBack: false)
  }

  /// The CPU with one format, whatever it does to scores: to measure that, or to judge again.
  package init(pool: WorkerPool, uncompared format: ProductFormat) {
    self.init(pool: pool, formats: [format])
    skipsComparison = true
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
    let precisions = settings.precision.ofGPUs
    let formats = settings.precision.ofCPUs
    let ordinal: Int
    let fallsBack: Bool
    switch settings.device {
    case .auto where precisions.isEmpty, .cpu:
      guard let formats else {
        throw .settings("engine.precision: \(settings.precision.rawValue) is for GPUs")
      }
      self.init(
        pool: pool, gpu: nil, precisions: [], formats: formats,
        isFormatRequired: settings.precision != .auto && !formats.isEmpty, fallsBack: false)
      return
    case .auto: (ordinal, fallsBack) = (0, true)
    case .cuda(let number): (ordinal, fallsBack) = (number, false)
    }
    guard !precisions.isEmpty else {
      throw .settings("engine.precision: \(settings.precision.rawValue) is for CPUs")
    }
    do throws(CudaFailure) {
      let search = LibrarySearch(environment: environment)
      let gpu = try CudaEngine(ordinal: ordinal, search: search, environment: environment)
      if gpu.lacksProductLibrary {
        slowed("dense products are done by a slower kernel, without libcublasLt")
      }
      self.init(
        pool: pool, gpu: gpu, precisions: precisions, formats: formats ?? [],
        fallsBack: fallsBack, slowed: slowed)
    } catch {
      guard fallsBack else { throw .device("cuda:\(ordinal): \(error)") }
      self.init(
        pool: pool, gpu: nil, precisions: [], formats: formats ?? [], fallsBack: false,
        fallbackReason: error.summary)
    }
  }

  private init(
    pool: WorkerPool, gpu: CudaEngine?, precisions: [Precision], formats: [ProductFormat],
    isFormatRequired: Bool = false, fallsBack: Bool, fallbackReason: String? = nil,
    slowed: @escaping @Sendable (_ reason: String) -> Void = { _ in }
  ) {
    self.pool = pool
    self.gpu = gpu
    self.precisions = precisions
    self.formats = formats
    self.isFormatRequired = isFormatRequired
    self.fallsBack = fallsBack
    self.fallbackReason = fallbackReason
    self.slowed = slowed
  }

  /// The same device with other threads of the CPU.
  package func with(pool: WorkerPool) -> InferenceDevice {
    var device = InferenceDevice(
      pool: pool, gpu: gpu, precisions: precisions, formats: formats,
      isFormatRequired: isFormatRequired, fallsBack: fallsBack, fallbackReason: fallbackReason,
      slowed: slowed)
    device.skipsComparison = skipsComparison
    device.refusals = refusals
    return device
  }

  /// The CPU, for a model that the GPU cannot run after all; nil where there is no GPU.
  ///
  /// - Throws: `GuardModelFailure.device` when the settings ask for the GPU by name.
  package func withoutGPU(because reason: String) throws(GuardModelFailure) -> InferenceDevice? {
    guard let gpu else { return nil }
    guard fallsBack else { throw .device("\(gpu.name) cannot run the model: \(reason)") }
    var cpu = InferenceDevice(pool: pool, formats: formats)
    cpu.refusals = [reason]
    return cpu
  }
}

extension EngineSettings.Precision {
  /// What to try on a GPU, in this order; nothing for what only CPUs have.
  fileprivate var ofGPUs: [Precision] {
    switch self {
    case .auto: [.fp16, .bf16]
    case .fp16: [.fp16]
    case .bf16: [.bf16]
    case .fp8: [.fp8]
    case .fp32, .int8: []
    }
  }

  /// What to try on a CPU before 32-bit floats, in this order; nil for what only GPUs have.
  fileprivate var ofCPUs: [ProductFormat]? {
    switch self {
    case .auto: [.int8, .bf16]
    case .fp32: []
    case .bf16: [.bf16]
    case .int8: [.int8]
    case .fp16, .fp8: nil
    }
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
