internal import Foundation
internal import StrictJSON
import Tensors

/// A BERT or RoBERTa as a DeBERTa-v2 that computes the same.
///
/// DeBERTa-v2 without relative attention, with absolute positions and tanh in its pooler, is BERT:
/// the weights are those of the source, in their own number format. With relative attention the
/// content-to-position term is there besides, from a table of zeros: with shared projections it
/// adds the same to all scores of a query, which the softmax does not see. Scores are divided by
/// sqrt(head size · 2) then, so the query maps are multiplied by sqrt(2), in single precision.
package struct ModelConversion {
  private let source: ModelFolder
  private let path: String
  /// The new `config.json`, and what it says.
  private let settings: Data
  private let target: ModelConfiguration

  /// Buckets of distances in DeBERTa-v3's models.
  private static let usualBuckets = 256

  /// - Parameters:
  ///   - path: the source's folder; one with an encoder alone gives one with an encoder alone.
  ///   - relative: adds relative attention for trainings to come.
  package init(folder path: String, relative: Bool) throws(ModelError) {
    self.path = path
    source = try ModelFolder(path: path)
    let shape = source.configuration
    guard shape.backbone != .debertaV2 else {
      throw ModelError(File.configuration, .notConverted(type: shape.backbone.rawValue))
    }
    guard !relative || shape.absolutePositions ?? 0 >= 8 else {
      throw ModelError(File.configuration, .badSetting("max_position_embeddings"))
    }
    let known = try source.settings()
    let judges = source.has(shape.backbone.classifier + ".weight")
    let changed = Self.settings(known, of: shape, judges: judges, relative: relative)
    do throws(JSONError) {
      settings = try JSONCoder.encode(JSON.object(changed), .pretty)
    } catch {
      throw ModelError(File.configuration, .malformed(error.problem))
    }
    target = try ModelConfiguration(json: settings)
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files into `folder`, which
  /// exists and is empty.
  package func write(to folder: String) throws(ModelError) {
    var tensors: [OutgoingTensor] = []
    for entry in ParameterLayout(target).entries {
      if let tensor = try tensor(for: entry) { tensors.append(tensor) }
    }
    let writer = ModelFolderWriter(folder: folder)
    try writer.copyTokenizer(of: path)
    try writer.finish(configuration: settings, tensors)
  }

  /// DeBERTa-v2's settings; those of the labels and whatever else the file says stay.
  private static func settings(
    _ known: [String: JSON], of shape: ModelConfiguration, judges: Bool, relative: Bool
  ) -> [String: JSON] {
    let backbone = shape.backbone
    let positions = shape.absolutePositions ?? shape.positions
    let buckets = relative ? min(usualBuckets, positions / 2) : -1
    var settings = known
    for name in ["position_embedding_type", "is_decoder", "use_cache", "classifier_dropout"] {
      settings[name] = nil
    }
    let classifierDropout = known["classifier_dropout"].flatMap { $0 == .null ? nil : $0 }
    settings["cls_dropout"] = classifierDropout
    settings["pooler_dropout"] =
      backbone.isRoberta
      ? classifierDropout ?? known["hidden_dropout_prob"] ?? .number(0.1) : .integer(0)
    settings["model_type"] = .text(Backbone.debertaV2.rawValue)
    settings["architectures"] = .list([
      .text(judges ? Backbone.debertaV2.classifierArchitecture : "DebertaV2Model")
    ])
    settings["hidden_act"] = .text(Activation.gelu.rawValue)
    settings["layer_norm_eps"] = known["layer_norm_eps"] ?? .number(backbone.normEpsilon)
    settings["max_position_embeddings"] = .integer(positions)
    settings["type_vocab_size"] = .integer(types(of: shape))
    settings["position_biased_input"] = .flag(true)
    settings["relative_attention"] = .flag(relative)
    settings["pos_att_type"] = .list(relative ? [.text("c2p")] : [])
    settings["share_att_key"] = .flag(relative)
    settings["norm_rel_ebd"] = .text("none")
    settings["position_buckets"] = .integer(buckets)
    settings["max_relative_positions"] = .integer(-1)
    settings["pooler_hidden_act"] = .text(Activation.tanh.rawValue)
    settings["pooler_hidden_size"] = .integer(shape.hidden)
    // transformers goes by it where tokenizer_config.json names no class.
    settings["tokenizer_class"] =
      known["tokenizer_class"] ?? .text(backbone.tokenizerClass)
    return settings
  }

  /// Of RoBERTa's types only the first is used.
  private static func types(of shape: ModelConfiguration) -> Int {
    shape.backbone.isRoberta ? min(1, shape.tokenTypes) : shape.tokenTypes
  }

  /// A weight of the target from the source's; nil for a part of the head that the source lacks.
  private func tensor(
    for entry: ParameterLayout.Entry
  ) throws(ModelError) -> OutgoingTensor? {
    let name = sourceName(of: entry.name)
    if name == "encoder.rel_embeddings.weight" {
      return OutgoingTensor(name: entry.name, zerosOf: entry.shape)
    }
    if entry.part == .head, !source.has(name) { return nil }
    let shape = source.configuration
    if target.relative != nil, name.contains(".attention.self.query.") {
      let weight = try source.parameter(name, entry.shape)
      return OutgoingTensor(name: entry.name, weight, times: Float(2).squareRoot())
    }
    let stored = try source.stored(name)
    let first = name == "embeddings.position_embeddings.weight" ? shape.firstPosition : 0
    // The layout has a classifier of two labels.
    let rows = entry.name.hasPrefix("classifier.") ? stored.shape.first ?? 0 : entry.shape[0]
    let expected = [first + rows] + entry.shape.dropFirst()
    let isTypes = name == "embeddings.token_type_embeddings.weight"
    guard stored.shape == (isTypes ? [shape.tokenTypes] + entry.shape.dropFirst() : expected) else {
      throw ModelError(
        source.weightFile, .wrongShape(tensor: name, expected: expected, found: stored.shape))
    }
    return OutgoingTensor(name: entry.name, stored.rows(first..<first + rows))
  }

  /// What the source calls a weight of the target, without prefix.
  private func sourceName(of name: String) -> String {
    let from = Backbone.debertaV2
    let to = source.configuration.backbone
    var name = from.bare(name)
    for (old, new) in [
      (from.pooler + ".", to.bare(to.pooler) + "."), (from.classifier + ".", to.classifier + "."),
    ]
    where name.hasPrefix(old) {
      return new + name.dropFirst(old.count)
    }
    for (old, new) in [
      (from.attentionMaps.query, to.attentionMaps.query),
      (from.attentionMaps.key, to.attentionMaps.key),
      (from.attentionMaps.value, to.attentionMaps.value),
    ] {
      name = name.replacingOccurrences(of: ".\(old).", with: ".\(new).")
    }
    return name
  }
}
