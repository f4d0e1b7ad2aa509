internal import CCuda
internal import Synchronization

/// Dense products by cuBLASLt, each by the fastest of the algorithms that the library proposes.
///
/// Which one that is, is measured when a product is first wanted: what the library expects to be
/// fastest often is not.
@safe package final class ProductLibrary: @unchecked Sendable {
  // @unchecked Sendable: the handle may be used from any thread.
  private let context: CudaContext
  private let table: ccuda_products
  private let handle: ccuda_blas
  private let algorithms = Mutex<[DenseProduct: ccuda_algorithm]>([:])

  /// Memory that a product may work in; each stream needs its own.
  package static let workspaceBytes = 32 << 20
  private static let proposalsMax = 8
  /// Turns that count.
  private static let turns = 3

  /// Begins to use the library on a device.
  package init(_ products: CudaProducts, in context: CudaContext) throws(CudaFailure) {
    var handle: ccuda_blas?
    var status: Int32 = 0
    let table = products.table
    try context.call("cublasLtCreate") { _ in
      status = unsafe table.create(&handle)
      return 0
    }
    try CudaProducts.check("cublasLtCreate", status)
    guard let handle = unsafe handle else {
      throw .failed(function: "cublasLtCreate", reason: "no handle")
    }
    self.context = context
    self.table = table
    unsafe self.handle = unsafe handle
  }

  deinit { context.release { _ in unsafe table.destroy(handle) } }

  /// Gives a product to a stream.
  ///
  /// - Parameters:
  ///   - workspace: of `workspaceBytes`, used by no other stream.
  ///   - isCapturing: the stream records, so that nothing can be measured.
  package func multiply(
    _ product: DenseProduct, _ operands: DenseOperands, workspace: DeviceMemory,
    on stream: CudaStream, isCapturing: Bool = false
  ) throws(CudaFailure) {
    // The library works in the thread's context.
    try context.call("cuCtxSetCurrent") { _ in 0 }
    let description = try ProductDescription(product, operands, table)
    let known = algorithms.withLock { $0[product] ?? $0[product.searched] }
    if let known {
      let status = run(description, operands, known, workspace, stream)
      if status == 0 { return }
      // An algorithm for other rows may not do these.
    }
    let proposals = try propose(product, description, workspace)
    var best = proposals[0].algorithm
    if !isCapturing, known == nil, proposals.count > 1 {
      best = try fastest(proposals, description, operands, workspace, stream)
    }
    try CudaProducts.check(
      "cublasLtMatmul", run(description, operands, best, workspace, stream))
    let key = known == nil ? product.searched : product
    algorithms.withLock { $0[key] = best }
  }

  private func run(
    _ description: borrowing ProductDescription, _ operands: DenseOperands,
    _ algorithm: ccuda_algorithm, _ workspace: DeviceMemory, _ stream: CudaStream
  ) -> Int32 {
    var (one, zero): (Float, Float) = (1, 0)
    var algorithm = algorithm
    return unsafe table.multiply(
      handle, description.operation, &one, operands.weight.value, description.weight,
      operands.input.value, description.input, &zero, operands.output.value, description.output,
      operands.output.value, description.output, &algorithm, workspace.address.value,
      workspace.bytes, stream.stream)
  }

  /// Algorithms that compute the product, those first that the library expects to be fastest.
  private func propose(
    _ product: DenseProduct, _ description: borrowing ProductDescription,
    _ workspace: DeviceMemory
  ) throws(CudaFailure) -> [ccuda_proposal] {
    var preference: ccuda_preference?
    try CudaProducts.check(
      "cublasLtMatmulPreferenceCreate", unsafe table.create_preference(&preference))
    defer { _ = unsafe table.destroy_preference(preference) }
    var bytes = workspace.bytes
    try CudaProducts.check(
      "cublasLtMatmulPreferenceSetAttribute",
      unsafe table.set_preference(
        preference, Int32(CCUDA_PREFERENCE_WORKSPACE_BYTES), &bytes, MemoryLayout<Int>.size))
    var proposals = [ccuda_proposal](repeating: ccuda_proposal(), count: Self.proposalsMax)
    var found: Int32 = 0
    try CudaProducts.check(
      "cublasLtMatmulAlgoGetHeuristic",
      unsafe table.propose(
        handle, description.operation, description.weight, description.input, description.output,
        description.output, preference, Int32(proposals.count), &proposals, &found))
    let usable = proposals.prefix(Int(found)).filter { $0.state == 0 }
    guard !usable.isEmpty else {
      throw .failed(
        function: "cublasLtMatmulAlgoGetHeuristic", reason: "no algorithm for \(product)")
    }
    return usable
  }

  /// The algorithm that takes the least time, of those that run at all. They take turns, so that
  /// none has the chip while it is cold or another's work heats it; the first turn does not count.
  private func fastest(
    _ proposals: [ccuda_proposal], _ description: borrowing ProductDescription,
    _ operands: DenseOperands, _ workspace: DeviceMemory, _ stream: CudaStream
  ) throws(CudaFailure) -> ccuda_algorithm {
    let start = try CudaEvent(in: context, isTimed: true)
    let end = try CudaEvent(in: context, isTimed: true)
    var times: [Int: [Double]] = [:]
    for turn in 0...Self.turns {
      for (number, proposal) in proposals.enumerated() where turn == 0 || times[number] != nil {
        try start.record(on: stream)
        let status = run(description, operands, proposal.algorithm, workspace, stream)
        try end.record(on: stream)
        try end.wait()
        if status != 0 {
          times[number] = nil
        } else if turn == 0 {
          times[number] = []
        } else {
          times[number]?.append(try end.milliseconds(since: start))
        }
      }
    }
    // Of equal ones the first, which the library expects to be fastest.
    let best = times.min { (Self.median($0.value), $0.key) < (Self.median($1.value), $1.key) }
    return proposals[best?.key ?? 0].algorithm
  }

  private static func median(_ times: [Double]) -> Double { times.sorted()[times.count / 2] }
}
