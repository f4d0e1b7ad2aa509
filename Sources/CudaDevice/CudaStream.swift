internal import CCuda

/// Work that a device does in the order in which it was given.
@safe package final class CudaStream: @unchecked Sendable {
  // @unchecked Sendable: the driver's streams are made for several threads.
  package let context: CudaContext
  let stream: ccuda_stream

  /// A stream without work.
  package init(in context: CudaContext) throws(CudaFailure) {
    var stream: ccuda_stream?
    try context.call("cuStreamCreate") {
      unsafe $0.create_stream(&stream, UInt32(CCUDA_STREAM_NON_BLOCKING))
    }
    guard let stream = unsafe stream else {
      throw .failed(function: "cuStreamCreate", reason: "no stream")
    }
    self.context = context
    unsafe self.stream = unsafe stream
  }

  deinit { context.release { unsafe $0.destroy_stream(stream) } }

  /// Waits until all work is done; takes a core meanwhile.
  package func finish() throws(CudaFailure) {
    try context.call("cuStreamSynchronize") { unsafe $0.finish_stream(stream) }
  }

  /// Copies bytes from the start of pinned memory; they must stay as they are until that is done.
  package func copy(
    _ memory: PinnedMemory, bytes: Int, to address: DeviceAddress
  ) throws(CudaFailure) {
    precondition(bytes <= memory.bytes, "more than there is")
    try context.call("cuMemcpyHtoDAsync") {
      unsafe $0.copy_to_device(address.value, memory.start, bytes, stream)
    }
  }

  /// Copies bytes to the start of pinned memory.
  package func copy(
    _ address: DeviceAddress, bytes: Int, to memory: PinnedMemory
  ) throws(CudaFailure) {
    precondition(bytes <= memory.bytes, "more than there is room for")
    try context.call("cuMemcpyDtoHAsync") {
      unsafe $0.copy_to_host(memory.start, address.value, bytes, stream)
    }
  }

  /// Copies all bytes of one memory to another of the same size.
  package func copy(_ from: DeviceMemory, to target: DeviceMemory) throws(CudaFailure) {
    precondition(from.bytes == target.bytes, "sizes differ")
    try context.call("cuMemcpyDtoDAsync") {
      unsafe $0.copy_within_device(
        target.address.value, from.address.value, from.bytes, stream)
    }
  }

  /// Sets all bytes of memory to one value.
  package func fill(_ memory: DeviceMemory, with byte: UInt8) throws(CudaFailure) {
    try context.call("cuMemsetD8Async") {
      unsafe $0.set_bytes(memory.address.value, byte, memory.bytes, stream)
    }
  }

  /// Runs a kernel on a grid of blocks.
  ///
  /// - Parameters:
  ///   - threads: of each block.
  ///   - sharedBytes: of each block.
  package func launch(
    _ kernel: CudaKernel, grid: (x: Int, y: Int), threads: Int, sharedBytes: Int = 0,
    _ arguments: [KernelArgument]
  ) throws(CudaFailure) {
    var words: [UInt64] = []
    var starts: [Int] = []
    for argument in arguments {
      starts.append(words.count)
      words += argument.words
    }
    try context.call("cuLaunchKernel") { driver in
      unsafe words.withUnsafeMutableBytes { bytes in
        var parameters = unsafe starts.map { start in
          unsafe bytes.baseAddress.map { unsafe $0 + 8 * start }
        }
        return unsafe driver.launch(
          kernel.function, UInt32(grid.x), UInt32(grid.y), 1, UInt32(threads), 1, 1,
          UInt32(sharedBytes), stream, &parameters, nil)
      }
    }
  }

  /// Records what `body` gives to this stream instead of doing it.
  package func capture(
    _ body: () throws(CudaFailure) -> Void
  ) throws(CudaFailure) -> CudaGraph {
    try context.call("cuStreamBeginCapture") {
      unsafe $0.begin_capture(stream, Int32(CCUDA_CAPTURE_THREAD_LOCAL))
    }
    var failure: CudaFailure?
    do throws(CudaFailure) { try body() } catch { failure = error }
    // The capture ends in any case: a stream that captures can do nothing else.
    var graph: ccuda_graph?
    do throws(CudaFailure) {
      try context.call("cuStreamEndCapture") { unsafe $0.end_capture(stream, &graph) }
    } catch {
      throw failure ?? error
    }
    defer { unsafe graph.map { graph in context.release { unsafe $0.destroy_graph(graph) } } }
    if let failure { throw failure }
    return try unsafe CudaGraph(graph, in: context)
  }
}

/// Recorded work, which is given to a stream with one call.
@safe package final class CudaGraph: @unchecked Sendable {
  // @unchecked Sendable: nobody changes it; one stream at a time runs it.
  private let context: CudaContext
  private let executable: ccuda_executable

  fileprivate init(_ graph: ccuda_graph?, in context: CudaContext) throws(CudaFailure) {
    var executable: ccuda_executable?
    try context.call("cuGraphInstantiate") {
      unsafe $0.instantiate(&executable, graph, 0)
    }
    guard let executable = unsafe executable else {
      throw .failed(function: "cuGraphInstantiate", reason: "no graph")
    }
    self.context = context
    unsafe self.executable = unsafe executable
  }

  deinit { context.release { unsafe $0.destroy_executable(executable) } }

  /// Gives the work to a stream.
  package func launch(on stream: CudaStream) throws(CudaFailure) {
    try context.call("cuGraphLaunch") { unsafe $0.launch_graph(executable, stream.stream) }
  }
}

/// A moment in a stream's work.
@safe package final class CudaEvent: @unchecked Sendable {
  // @unchecked Sendable: the driver's events are made for several threads.
  private let context: CudaContext
  private let event: ccuda_event

  /// - Parameter isTimed: it keeps the time for `milliseconds(since:)`, and waiting for it takes a
  ///   core; else whoever waits sleeps.
  package init(in context: CudaContext, isTimed: Bool = false) throws(CudaFailure) {
    var event: ccuda_event?
    let flags = isTimed ? CCUDA_EVENT_TIMED : CCUDA_EVENT_UNTIMED | CCUDA_EVENT_BLOCKING
    try context.call("cuEventCreate") { unsafe $0.create_event(&event, UInt32(flags)) }
    guard let event = unsafe event else {
      throw .failed(function: "cuEventCreate", reason: "no event")
    }
    self.context = context
    unsafe self.event = unsafe event
  }

  deinit { context.release { unsafe $0.destroy_event(event) } }

  /// The moment becomes the one when all work that the stream has now is done.
  package func record(on stream: CudaStream) throws(CudaFailure) {
    try context.call("cuEventRecord") { unsafe $0.record_event(event, stream.stream) }
  }

  /// Waits for the moment.
  package func wait() throws(CudaFailure) {
    try context.call("cuEventSynchronize") { unsafe $0.finish_event(event) }
  }

  /// The time between two moments that have come.
  package func milliseconds(since start: CudaEvent) throws(CudaFailure) -> Double {
    var milliseconds: Float = 0
    try context.call("cuEventElapsedTime") {
      unsafe $0.elapsed(&milliseconds, start.event, event)
    }
    return Double(milliseconds)
  }
}
