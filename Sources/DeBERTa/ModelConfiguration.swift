package import Foundation
internal import StrictJSON
package import Tensors

/// The switches of a model, from Hugging Face's `config.json`.
package struct ModelConfiguration: Sendable, Equatable {
  /// The kind of encoder.
  package let backbone: Backbone
  /// Pieces of the vocabulary.
  package let vocabulary: Int
  /// Floats of a word embedding; projected where it differs from `hidden`.
  package let embedding: Int
  /// Floats of a token's state.
  package let hidden: Int
  /// Encoder layers.
  package let layers: Int
  /// Attention heads.
  package let heads: Int
  /// Floats between the two maps of a feed-forward.
  package let intermediate: Int
  /// Added to the variance in every normalisation.
  package let normEpsilon: Float
  /// Tokens in a sequence that the model was made for (`max_position_embeddings`).
  package let positions: Int
  /// Tokens in a sequence at most, where the model has a table of absolute positions.
  package let absolutePositions: Int?
  /// The row of that table that every sequence begins with; those before it are not used.
  package let firstPosition: Int
  /// Rows of the table of token types, 0 without one.
  package let tokenTypes: Int
  /// Relative attention, nil for a model without it.
  package let relative: Relative?
  /// The labels' names in their order; nil where the file names none.
  package let labels: [String]?
  /// Whether each label is a question of its own, instead of one of them being right.
  package let isMultiLabel: Bool
  /// 1 plus the relative terms named by the configuration: scores are divided by
  /// sqrt(head size · scoreTerms).
  package let scoreTerms: Int
  /// Between pooler and classifier.
  package let poolerActivation: Activation
  /// Beside the first layer; nil for most models.
  package let convolution: Convolution?
  /// The class that the file names first; nil where it names none.
  package let architecture: String?
  /// What trainings drop unless they say otherwise.
  package let dropout: DropoutRates

  /// How scores depend on the distance between tokens.
  package struct Relative: Sendable, Equatable {
    /// Buckets that distances are sorted into, nil for one per distance.
    package let buckets: Int?
    /// Distances beyond this share the last bucket.
    package let distanceMax: Int
    /// The table passes through the layers' own query and key maps.
    package let sharesProjections: Bool
    /// The content-to-position term is there.
    package let contentToPosition: Bool
    /// The position-to-content term is there.
    package let positionToContent: Bool
    /// The table is normalised first.
    package let isNormalized: Bool

    /// Half the rows of the table.
    package var span: Int { buckets ?? distanceMax }
  }

  /// A convolution over the embeddings of neighbouring tokens.
  package struct Convolution: Sendable, Equatable {
    /// Tokens that it sees at once, an odd number (`conv_kernel_size`).
    package let taps: Int
    /// Parts of the columns that know nothing of each other.
    package let groups: Int
    package let activation: Activation

    static let tapsMax = 255

    /// Columns of each group.
    func columns(hidden: Int) -> [Range<Int>] {
      let size = hidden / groups
      return (0..<groups).map { $0 * size..<($0 + 1) * size }
    }
  }

  /// More labels than that come from no guard model.
  static let labelsMax = 4096

  /// Whether tokens of a second text have type 1; else all have type 0.
  var tellsTextsApart: Bool { tokenTypes > 1 && !backbone.isRoberta }

  /// What trainings drop before the pooler, beside what they drop before the classifier: RoBERTa
  /// drops as much.
  package func poolerDropout(beside classifier: Float) -> Float {
    backbone.isRoberta ? classifier : dropout.pooler
  }

  /// Rows of the table of absolute positions, if the model has one.
  var positionRows: Int? { absolutePositions.map { firstPosition + $0 } }

  /// Floats per head.
  package var headSize: Int { hidden / heads }

  /// Reads the text of a `config.json`.
  package init(json: Data) throws(ModelError) {
    let file = File.configuration
    let json = json.withoutByteOrderMark
    var raw: RawConfiguration
    do throws(JSONError) {
      raw = try JSONCoder.decode(from: json)
    } catch {
      throw ModelError(file, .malformed(error.problem))
    }
    let kind = try BackboneSettings(json: json)
    backbone = kind.backbone
    poolerActivation = kind.poolerActivation
    convolution = kind.convolution
    architecture = kind.architecture
    firstPosition = kind.firstPosition
    if backbone != .debertaV2 { raw.leaveOutDeBERTasSettings() }
    vocabulary = try raw.size("vocab_size", raw.vocab_size)
    hidden = try raw.size("hidden_size", raw.hidden_size)
    embedding = try raw.size("embedding_size", raw.embedding_size ?? raw.hidden_size)
    layers = try raw.size("num_hidden_layers", raw.num_hidden_layers)
    heads = try raw.size("num_attention_heads", raw.num_attention_heads)
    intermediate = try raw.size("intermediate_size", raw.intermediate_size)
    guard hidden % heads == 0, raw.attention_head_size ?? hidden / heads == hidden / heads else {
      throw ModelError(file, .badSetting("num_attention_heads"))
    }
    let epsilon = raw.layer_norm_eps ?? backbone.normEpsilon
    guard epsilon >= 0 && epsilon < 1 else { throw ModelError(file, .badSetting("layer_norm_eps")) }
    normEpsilon = Float(epsilon)
    guard raw.pooler_hidden_size ?? hidden == hidden else {
      throw ModelError(file, .badSetting("pooler_hidden_size"))
    }
    positions = try raw.size("max_position_embeddings", raw.max_position_embeddings ?? 512)
    absolutePositions = raw.position_biased_input ?? true ? positions - firstPosition : nil
    labels = try raw.labels()
    isMultiLabel = try raw.isMultiLabel()
    tokenTypes = raw.type_vocab_size ?? backbone.tokenTypes
    guard (0...RawConfiguration.sizeMax).contains(tokenTypes) else {
      throw ModelError(file, .badSetting("type_vocab_size"))
    }
    let terms = raw.pos_att_type?.names ?? []
    scoreTerms = 1 + (terms.contains("c2p") ? 1 : 0) + (terms.contains("p2c") ? 1 : 0)
    relative = try raw.relative(positions: positions, terms: terms)
    dropout = kind.dropout
  }
}

/// The names in `config.json`, as they are there.
private struct RawConfiguration: Decodable {
  static let sizeMax = 1 << 24

  var vocab_size: Int?
  var hidden_size: Int?
  var embedding_size: Int?
  var num_hidden_layers: Int?
  var num_attention_heads: Int?
  var attention_head_size: Int?
  var intermediate_size: Int?
  var layer_norm_eps: Double?
  var max_position_embeddings: Int?
  var position_biased_input: Bool?
  var type_vocab_size: Int?
  var relative_attention: Bool?
  var position_buckets: Int?
  var max_relative_positions: Int?
  var share_att_key: Bool?
  var pos_att_type: Names?
  var norm_rel_ebd: String?
  var pooler_hidden_size: Int?
  var num_labels: Int?
  var id2label: [String: Label]?
  var problem_type: String?

  /// A label's name, which some files give as a number.
  struct Label: Decodable {
    let name: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        name = String(number)
      } else {
        name = try container.decode(String.self)
      }
    }
  }

  /// A list of names, or one string with bars between them.
  struct Names: Decodable {
    let names: [String]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let list = try? container.decode([String].self) {
        names = list.map { $0.lowercased() }
      } else {
        names = RawConfiguration.split(try container.decode(String.self))
      }
    }
  }

  static func split(_ names: String) -> [String] {
    names.lowercased().split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// What BERT and RoBERTa do not read in their configuration. Their positions are absolute.
  mutating func leaveOutDeBERTasSettings() {
    (embedding_size, attention_head_size, pooler_hidden_size) = (nil, nil, nil)
    (relative_attention, position_biased_input, pos_att_type) = (nil, nil, nil)
  }

  /// The names of the labels 0 … n - 1.
  func labels() throws(ModelError) -> [String]? {
    guard let id2label else {
      guard let num_labels else { return nil }
      guard (1...ModelConfiguration.labelsMax).contains(num_labels) else {
        throw ModelError(File.configuration, .badSetting("num_labels"))
      }
      return (0..<num_labels).map { "LABEL_\($0)" }
    }
    let names = (0..<id2label.count).compactMap { id2label[String($0)]?.name }
    guard names.count == id2label.count, (1...ModelConfiguration.labelsMax).contains(names.count)
    else { throw ModelError(File.configuration, .badSetting("id2label")) }
    guard num_labels ?? names.count == names.count else {
      throw ModelError(File.configuration, .badSetting("num_labels"))
    }
    return names
  }

  /// A regression gives a number that is no probability.
  func isMultiLabel() throws(ModelError) -> Bool {
    try expect(
      "problem_type", problem_type,
      oneOf: ["single_label_classification", "multi_label_classification"])
    return problem_type == "multi_label_classification"
  }

  func relative(
    positions: Int, terms: [String]
  ) throws(ModelError) -> ModelConfiguration.Relative? {
    guard relative_attention ?? false else { return nil }
    let farthest = max_relative_positions ?? -1
    let distanceMax = farthest < 1 ? positions : try size("max_relative_positions", farthest)
    var buckets: Int?
    if let count = position_buckets, count > 0 {
      // Half the buckets take one distance each; the others' logarithms need a range beyond it.
      buckets = try size("position_buckets", count)
      guard count >= 2, distanceMax - 1 > count / 2 else {
        throw ModelError(File.configuration, .badSetting("position_buckets"))
      }
    }
    return ModelConfiguration.Relative(
      buckets: buckets, distanceMax: distanceMax, sharesProjections: share_att_key ?? false,
      contentToPosition: terms.contains("c2p"), positionToContent: terms.contains("p2c"),
      isNormalized: RawConfiguration.split(norm_rel_ebd ?? "none").contains("layer_norm"))
  }

  /// A size that is there and sane: no product of two overflows.
  func size(_ name: String, _ value: Int?) throws(ModelError) -> Int {
    guard let value, (1...RawConfiguration.sizeMax).contains(value) else {
      throw ModelError(File.configuration, .badSetting(name))
    }
    return value
  }

  private func expect(
    _ name: String, _ value: String?, oneOf known: [String]
  ) throws(ModelError) {
    if let value, !known.contains(value) { throw ModelError(unsupported: name, value) }
  }
}
