internal import CudaDevice
internal import DeBERTa

/// Memory of a device for one batch; all matrices are row-major, in the engine's precision unless
/// said otherwise.
struct DeviceWorkspace: Sendable {
  /// The integers of the batch.
  let integers: DeviceAddress
  /// (tokens, embedding), where that is not hidden.
  let embedded: DeviceAddress
  /// (tokens, hidden): input and output of every layer.
  let states: DeviceAddress
  /// (tokens, 3 · hidden): queries, keys and values of a row side by side.
  let projections: DeviceAddress
  /// (tokens, hidden): what attention reads from the values.
  let context: DeviceAddress
  /// (tokens, intermediate), in the place of projections and context, which are then used up.
  let expanded: DeviceAddress
  /// (tokens, hidden): what a product adds to the states.
  let addend: DeviceAddress
  /// What products of 8-bit numbers read: states and context (tokens, hidden), and expanded
  /// (tokens, intermediate); only in a precision that has them.
  let narrowStates: DeviceAddress
  let narrowContext: DeviceAddress
  let narrowExpanded: DeviceAddress
  /// (sequences, hidden): the states of first tokens, and their queries.
  let firsts: DeviceAddress
  let firstQueries: DeviceAddress
  /// (sequences, 2), 32-bit floats.
  let logits: DeviceAddress
  /// Tokens and sequences that there is room for.
  let tokensMax: Int
  let sequencesMax: Int
  private let memory: DeviceMemory

  init(
    tokensMax: Int, sequencesMax: Int, integers: Int, for shape: ModelConfiguration,
    isNarrow: Bool, on stream: CudaStream
  ) throws(CudaFailure) {
    let context = stream.context
    let layout = Layout(
      tokens: tokensMax, sequences: sequencesMax, integers: integers, shape: shape,
      isNarrow: isNarrow)
    memory = try DeviceMemory(bytes: layout.bytes, in: context)
    // Products compute some rows that nobody asked for, and are measured: what they read is to be
    // numbers, and no zeros.
    try stream.fill(memory, with: 0)
    try RandomOperands.fill(memory, from: layout.numbers, on: stream)
    let start = memory.address
    self.integers = start.advanced(byBytes: layout.integers)
    embedded = start.advanced(byBytes: layout.embedded)
    states = start.advanced(byBytes: layout.states)
    projections = start.advanced(byBytes: layout.projections)
    self.context = start.advanced(byBytes: layout.context)
    expanded = projections
    addend = start.advanced(byBytes: layout.addend)
    narrowStates = start.advanced(byBytes: layout.narrowStates)
    narrowContext = start.advanced(byBytes: layout.narrowContext)
    narrowExpanded = start.advanced(byBytes: layout.narrowExpanded)
    firsts = start.advanced(byBytes: layout.firsts)
    firstQueries = start.advanced(byBytes: layout.firstQueries)
    logits = start.advanced(byBytes: layout.logits)
    self.tokensMax = tokensMax
    self.sequencesMax = sequencesMax
  }

  /// Where each part begins, in bytes.
  private struct Layout {
    var bytes = 0
    var integers = 0
    /// Where the numbers begin.
    var numbers = 0
    var embedded = 0
    var states = 0
    var projections = 0
    var context = 0
    var addend = 0
    var narrowStates = 0
    var narrowContext = 0
    var narrowExpanded = 0
    var firsts = 0
    var firstQueries = 0
    var logits = 0

    init(
      tokens: Int, sequences: Int, integers: Int, shape: ModelConfiguration, isNarrow: Bool
    ) {
      self.integers = take(4 * integers)
      numbers = bytes
      embedded = shape.embedding == shape.hidden ? 0 : take(2 * tokens * shape.embedding)
      states = take(2 * tokens * shape.hidden)
      projections = take(2 * tokens * 3 * shape.hidden)
      context = take(2 * tokens * shape.hidden)
      let expandedEnd = projections + 2 * tokens * shape.intermediate
      if bytes < expandedEnd { _ = take(expandedEnd - bytes) }
      addend = take(2 * tokens * shape.hidden)
      if isNarrow {
        narrowStates = take(tokens * shape.hidden)
        narrowContext = take(tokens * shape.hidden)
        narrowExpanded = take(tokens * shape.intermediate)
      }
      firsts = take(2 * sequences * shape.hidden)
      firstQueries = take(2 * sequences * shape.hidden)
      logits = take(4 * 2 * sequences)
    }

    /// Takes bytes at a multiple of 256.
    private mutating func take(_ count: Int) -> Int {
      defer { bytes += (count + 255) / 256 * 256 }
      return bytes
    }
  }
}
