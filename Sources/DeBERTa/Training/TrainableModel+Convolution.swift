import Tensors

/// A convolution with its gradients.
struct TrainableConvolution {
  /// One group: a map of what the taps see to its columns.
  struct Group {
    let columns: Range<Int>
    let linear: TrainableLinear
  }

  let shape: ModelConfiguration.Convolution
  let groups: [Group]
  let norm: TrainableNormalization

  init(
    _ shape: ModelConfiguration.Convolution, _ parameters: TrainableParameters,
    of model: ModelConfiguration
  ) {
    self.shape = shape
    let name = model.backbone.prefix + "encoder.conv."
    let weight = parameters.tensor(name + "conv.weight")
    let bias = parameters.tensor(name + "conv.bias")
    let weightGradient = parameters.gradient(name + "conv.weight")
    let biasGradient = parameters.gradient(name + "conv.bias")
    groups = shape.columns(hidden: model.hidden).map { columns in
      Group(
        columns: columns,
        linear: TrainableLinear(
          map: Linear(
            weight: weight.matrix(rows: columns).parameter,
            bias: bias.vector(columns).parameter),
          gradient: LinearGradient(
            weight: weightGradient.matrix(rows: columns), bias: biasGradient.vector(columns))))
    }
    norm = parameters.norm(name + "LayerNorm", epsilon: model.normEpsilon)
  }
}

extension ArenaTensor {
  /// Some of the outermost rows, all other sizes as one.
  fileprivate func matrix(rows: Range<Int>) -> ArenaTensor {
    let columns = shape.dropFirst().reduce(1, *)
    return ArenaTensor(
      arena: arena, offset: offset + rows.lowerBound * columns, shape: [rows.count, columns])
  }

  /// Some floats of a vector.
  fileprivate func vector(_ range: Range<Int>) -> ArenaTensor {
    ArenaTensor(arena: arena, offset: offset + range.lowerBound, shape: [range.count])
  }
}

/// What a convolution's backward pass needs of its forward pass, and memory for both.
final class ConvolutionTape {
  /// What the taps see, and a group of what comes of it, as in `ConvolutionMemory`.
  var patches = Matrix(rows: 0, columns: 0)
  var group = Matrix(rows: 0, columns: 0)
  /// After dropout, before its activation (tokens, hidden).
  var convolved = Matrix(rows: 0, columns: 0)
  /// Before its normalisation (tokens, hidden).
  var sum = Matrix(rows: 0, columns: 0)
  /// The gradient at what was convolved (tokens, hidden).
  var gradient = Matrix(rows: 0, columns: 0)

  /// Makes room for a batch.
  func reserve(tokens: Int, hidden: Int, _ shape: ModelConfiguration.Convolution?) {
    guard let shape, tokens > sum.rows else { return }
    let rows = min(tokens, ConvolutionMemory.rowsMax)
    let columns = hidden / shape.groups
    patches = Matrix(rows: rows, columns: columns * shape.taps)
    group = Matrix(rows: rows, columns: columns)
    convolved = Matrix(rows: tokens, columns: hidden)
    sum = Matrix(rows: tokens, columns: hidden)
    gradient = Matrix(rows: tokens, columns: hidden)
  }
}

extension TrainableModel {
  /// The second layer's input = norm(first layer's output + activation(drop(convolution of the
  /// first layer's input))); the first layer's output is in `memory.convolution.sum`.
  func convolve(
    _ convolution: TrainableConvolution, _ batch: TokenBatch, _ plan: DropoutPlan
  ) {
    let tokens = 0..<batch.tokens.count
    let tape = memory.convolution
    let input = memory.inputs[0]
    batch.forConvolvedRows { sequence, rows in
      for group in convolution.groups {
        let window = convolution.window(group, sequence, rows)
        device.unfold(input.states, window, into: &tape.patches)
        device.apply(
          group.linear.map, to: tape.patches, rows: 0..<rows.count,
          into: &tape.group, rows: 0..<rows.count)
        device.place(tape.group, window, into: &tape.convolved)
      }
    }
    device.drop(&tape.convolved, rows: tokens, plan.convolution)
    device.apply(
      convolution.shape.activation, to: tape.convolved, rows: tokens,
      into: &memory.branch, rows: tokens)
    device.add(memory.branch, rows: tokens, to: &tape.sum, rows: tokens)
    device.normalize(
      tape.sum, rows: tokens, into: &memory.inputs[1].states, convolution.norm.norm)
  }

  /// Takes `memory.gradient` from the second layer's input to the first one's output, and leaves
  /// the gradient at what was convolved.
  func convolutionBackward(
    _ convolution: TrainableConvolution, _ batch: TokenBatch, _ plan: DropoutPlan
  ) {
    let tokens = 0..<batch.tokens.count
    let tape = memory.convolution
    device.normalizeGradient(
      &memory.gradient, inputs: tape.sum, rows: tokens, convolution.norm.norm,
      convolution.norm.gradient)
    device.copy(memory.gradient, rows: tokens, into: &tape.gradient, rows: tokens)
    device.applyGradient(
      of: convolution.shape.activation, to: &tape.gradient, rows: tokens,
      inputs: tape.convolved, rows: tokens)
    device.drop(&tape.gradient, rows: tokens, plan.convolution)
  }

  /// Adds what came through the convolution to the gradient at the first layer's input.
  func convolutionInputBackward(_ convolution: TrainableConvolution, _ batch: TokenBatch) {
    let tape = memory.convolution
    let input = memory.inputs[0]
    batch.forConvolvedRows { sequence, rows in
      let some = 0..<rows.count
      for group in convolution.groups {
        let window = convolution.window(group, sequence, rows)
        device.take(tape.gradient, window, into: &tape.group)
        device.unfold(input.states, window, into: &tape.patches)
        device.accumulate(
          group.linear.gradient, gradient: tape.group, rows: some,
          input: tape.patches, rows: some)
        device.applyTransposed(
          group.linear.map, to: tape.group, rows: some, into: &tape.patches,
          rows: some, adds: false)
        device.fold(tape.patches, window, addingTo: &memory.gradient)
      }
    }
  }
}

extension TrainableConvolution {
  fileprivate func window(
    _ group: Group, _ sequence: Range<Int>, _ rows: Range<Int>
  ) -> ConvolutionWindow {
    ConvolutionWindow(
      sequence: sequence, rows: rows, columns: group.columns, taps: shape.taps)
  }
}
