/// Every weight of a model by name, and where it stands in one run of floats.
///
/// The words come first: they are the one tensor whose gradients are sparse.
package struct ParameterLayout: Sendable {
  /// One weight.
  package struct Entry: Sendable {
    /// Its name in Hugging Face's files.
    package let name: String
    /// Sizes as PyTorch saves them, outermost first.
    package let shape: [Int]
    /// Index of the first float.
    package let offset: Int
    /// Where in the model it is.
    package let part: Part
    /// AdamW's weight decay applies: neither a bias nor a normalisation.
    package let decays: Bool

    /// Floats.
    package var count: Int { shape.reduce(1, *) }

    /// Its floats among all.
    package var range: Range<Int> { offset..<offset + count }
  }

  /// A part of the model.
  package enum Part: Sendable, Equatable {
    case embeddings
    /// What all layers share.
    case encoder
    case layer(Int)
    /// Pooler and classifier, new in each task.
    case head
  }

  /// All weights, in the order of their floats.
  package private(set) var entries: [Entry] = []
  /// Floats in all.
  package private(set) var count = 0
  private var indices: [String: Int] = [:]
  private var part = Part.embeddings

  /// The layout of a model with these switches.
  package init(_ shape: ModelConfiguration) {
    let backbone = shape.backbone
    let prefix = backbone.prefix + "embeddings."
    add(prefix + "word_embeddings.weight", [shape.vocabulary, shape.embedding])
    if let rows = shape.positionRows {
      add(prefix + "position_embeddings.weight", [rows, shape.embedding])
    }
    if shape.tokenTypes > 0 {
      add(prefix + "token_type_embeddings.weight", [shape.tokenTypes, shape.embedding])
    }
    if shape.embedding != shape.hidden {
      add(prefix + "embed_proj.weight", [shape.hidden, shape.embedding])
    }
    addNorm(prefix + "LayerNorm", shape.hidden)
    part = .encoder
    if let relative = shape.relative {
      add(backbone.prefix + "encoder.rel_embeddings.weight", [2 * relative.span, shape.hidden])
      if relative.isNormalized { addNorm(backbone.prefix + "encoder.LayerNorm", shape.hidden) }
    }
    if let convolution = shape.convolution {
      let name = backbone.prefix + "encoder.conv."
      add(
        name + "conv.weight", [shape.hidden, shape.hidden / convolution.groups, convolution.taps])
      add(name + "conv.bias", [shape.hidden])
      addNorm(name + "LayerNorm", shape.hidden)
    }
    for layer in 0..<shape.layers {
      part = .layer(layer)
      addLayer(Self.layerPrefix(layer, of: backbone), shape)
    }
    part = .head
    addLinear(backbone.pooler, from: shape.hidden, to: shape.hidden)
    addLinear(backbone.classifier, from: shape.hidden, to: 2)
  }

  /// The weight of that name.
  package func entry(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// Floats of the word embeddings, which come first.
  package var wordFloats: Int { entries[0].count }

  static func layerPrefix(_ layer: Int, of backbone: Backbone) -> String {
    "\(backbone.prefix)encoder.layer.\(layer)."
  }

  private mutating func addLayer(_ name: String, _ shape: ModelConfiguration) {
    let attention = name + "attention.self."
    let maps = shape.backbone.attentionMaps
    for map in [maps.query, maps.key, maps.value] {
      addLinear(attention + map, from: shape.hidden, to: shape.hidden)
    }
    if let relative = shape.relative, !relative.sharesProjections {
      if relative.contentToPosition {
        addLinear(attention + "pos_key_proj", from: shape.hidden, to: shape.hidden)
      }
      if relative.positionToContent {
        addLinear(attention + "pos_query_proj", from: shape.hidden, to: shape.hidden)
      }
    }
    addLinear(name + "attention.output.dense", from: shape.hidden, to: shape.hidden)
    addNorm(name + "attention.output.LayerNorm", shape.hidden)
    addLinear(name + "intermediate.dense", from: shape.hidden, to: shape.intermediate)
    addLinear(name + "output.dense", from: shape.intermediate, to: shape.hidden)
    addNorm(name + "output.LayerNorm", shape.hidden)
  }

  private mutating func addLinear(_ name: String, from inputs: Int, to outputs: Int) {
    add(name + ".weight", [outputs, inputs])
    add(name + ".bias", [outputs])
  }

  private mutating func addNorm(_ name: String, _ size: Int) {
    add(name + ".weight", [size])
    add(name + ".bias", [size])
  }

  private mutating func add(_ name: String, _ shape: [Int]) {
    let decays = !name.contains("LayerNorm") && !name.hasSuffix("bias")
    let entry = Entry(name: name, shape: shape, offset: count, part: part, decays: decays)
    indices[name] = entries.count
    entries.append(entry)
    count += entry.count
  }
}
