internal import Foundation
internal import StrictJSON
internal import Tensors

/// The kind of encoder in a folder (`model_type`): what its weights are called, and what it does
/// where `config.json` says nothing.
package enum Backbone: String, Sendable, CaseIterable {
  /// DeBERTa-v2 and v3.
  case debertaV2 = "deberta-v2"
  /// BERT, MiniLM.
  case bert
  /// RoBERTa and its like.
  case roberta
  /// RoBERTa with a vocabulary of many languages.
  case xlmRoberta = "xlm-roberta"

  /// Whether it is built as RoBERTa is: positions begin behind the padding's, texts of a pair have
  /// one type, and a classifier has its own dense map in place of a pooler.
  var isRoberta: Bool { self == .roberta || self == .xlmRoberta }

  /// What the encoder's weights are called before all else, where they were saved with a head.
  var prefix: String { self == .debertaV2 ? "deberta." : isRoberta ? "roberta." : "bert." }

  /// What the names of its classes begin with.
  private var className: String {
    switch self {
    case .debertaV2: "DebertaV2"
    case .bert: "Bert"
    case .roberta: "Roberta"
    case .xlmRoberta: "XLMRoberta"
    }
  }

  /// The class of its tokenizer in most folders.
  var tokenizerClass: String { className + "Tokenizer" }

  /// The class whose folders judge.
  var classifierArchitecture: String { className + "ForSequenceClassification" }

  /// The classes whose folders load; those without a classifier are what a training starts from.
  fileprivate var architectures: [String] {
    var heads = ["ForSequenceClassification", "Model"]
    if self != .debertaV2 { heads.append("ForMaskedLM") }
    if self == .bert { heads.append("ForPreTraining") }
    return heads.map { className + $0 }
  }

  /// The names of the maps that make queries, keys and values.
  var attentionMaps: (query: String, key: String, value: String) {
    self == .debertaV2 ? ("query_proj", "key_proj", "value_proj") : ("query", "key", "value")
  }

  /// The pooler's name beside a classifier: BERT counts it to the encoder, RoBERTa to the
  /// classifier.
  var pooler: String {
    switch self {
    case .debertaV2: "pooler.dense"
    case .bert: "bert.pooler.dense"
    case .roberta, .xlmRoberta: "classifier.dense"
    }
  }

  /// The name of the map from the pooler to the logits.
  var classifier: String { isRoberta ? "classifier.out_proj" : "classifier" }

  /// A weight's name without the prefix.
  func bare(_ name: String) -> String {
    name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
  }

  /// A weight's names in older files of PyTorch: normalisations had gamma and beta.
  func names(of bare: String) -> [String] {
    var names = [prefix + bare, bare]
    for (new, old) in [
      ("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"),
    ]
    where bare.hasSuffix(new) {
      names += names.map { $0.dropLast(new.count) + old }
    }
    return names
  }

  /// Added to the variance in normalisations.
  var normEpsilon: Double { self == .debertaV2 ? 1e-7 : 1e-12 }

  /// Rows of the table of token types.
  var tokenTypes: Int { self == .debertaV2 ? 0 : 2 }
}

/// What `config.json` says of the kind of model, beside its sizes and its labels.
struct BackboneSettings {
  let backbone: Backbone
  /// Between pooler and classifier.
  let poolerActivation: Activation
  let convolution: ModelConfiguration.Convolution?
  /// The class that the file names first; nil where it names none.
  let architecture: String?
  /// The row of the table of absolute positions that a sequence begins with.
  let firstPosition: Int
  let dropout: DropoutRates

  /// Reads the text of a `config.json`, and refuses what is not computed.
  init(json: Data) throws(ModelError) {
    let raw: Raw
    do throws(JSONError) {
      raw = try JSONCoder.decode(from: json)
    } catch {
      throw ModelError(File.configuration, .malformed(error.problem))
    }
    try OtherModels.refuseQuantized(json: json)
    guard let type = raw.model_type else {
      throw ModelError(File.configuration, .badSetting("model_type"))
    }
    guard let backbone = Backbone(rawValue: type) else {
      throw ModelError(unsupported: "model_type", type)
    }
    self.backbone = backbone
    architecture = raw.architectures?.first
    dropout = try raw.dropout(of: backbone)
    for architecture in raw.architectures ?? []
    where !backbone.architectures.contains(architecture) {
      throw ModelError(unsupported: "architectures", architecture)
    }
    if let activation = raw.hidden_act, activation != Activation.gelu.rawValue {
      throw ModelError(unsupported: "hidden_act", activation)
    }
    switch backbone {
    case .debertaV2:
      poolerActivation = try raw.activation("pooler_hidden_act", raw.pooler_hidden_act, .gelu)
      convolution = try raw.convolution()
      firstPosition = 0
    case .bert, .roberta, .xlmRoberta:
      poolerActivation = .tanh
      convolution = nil
      firstPosition = backbone.isRoberta ? try raw.rowBehindPadding() : 0
      if let embedding = raw.position_embedding_type, embedding != "absolute" {
        throw ModelError(unsupported: "position_embedding_type", embedding)
      }
      if raw.is_decoder == true { throw ModelError(unsupported: "is_decoder", "true") }
    }
  }

  /// The names in `config.json`, as they are there.
  private struct Raw: Decodable {
    var model_type: String?
    var architectures: [String]?
    var hidden_act: String?
    var pooler_hidden_act: String?
    var conv_kernel_size: Int?
    var conv_groups: Int?
    var conv_act: String?
    var hidden_size: Int?
    var num_hidden_layers: Int?
    var position_embedding_type: String?
    var is_decoder: Bool?
    var pad_token_id: Int?
    var max_position_embeddings: Int?
    var hidden_dropout_prob: Double?
    var attention_probs_dropout_prob: Double?
    var pooler_dropout: Double?
    var cls_dropout: Double?
    var classifier_dropout: Double?

    /// As in transformers: 0.1, and the classifier's that of states, where the file does not say.
    func dropout(of backbone: Backbone) throws(ModelError) -> DropoutRates {
      func rate(_ name: String, _ value: Double?, _ usual: Float) throws(ModelError) -> Float {
        guard let value else { return usual }
        guard value >= 0, value < 1 else { throw ModelError(File.configuration, .badSetting(name)) }
        return Float(value)
      }
      let hidden = try rate("hidden_dropout_prob", hidden_dropout_prob, 0.1)
      let attention = try rate("attention_probs_dropout_prob", attention_probs_dropout_prob, 0.1)
      let classifier =
        backbone == .debertaV2
        ? try rate("cls_dropout", cls_dropout, hidden)
        : try rate("classifier_dropout", classifier_dropout, hidden)
      let pooler =
        backbone == .debertaV2
        ? try rate("pooler_dropout", pooler_dropout, 0) : backbone.isRoberta ? classifier : 0
      return DropoutRates(
        hidden: hidden, attention: attention, classifier: classifier, pooler: pooler)
    }

    /// RoBERTa leaves the rows up to that of the padding's id unused.
    func rowBehindPadding() throws(ModelError) -> Int {
      let padding = pad_token_id ?? 1
      guard padding >= 0, padding < (max_position_embeddings ?? 512) - 1 else {
        throw ModelError(File.configuration, .badSetting("pad_token_id"))
      }
      return padding + 1
    }

    func convolution() throws(ModelError) -> ModelConfiguration.Convolution? {
      guard let taps = conv_kernel_size, taps > 0 else { return nil }
      // With an even number PyTorch has one token less behind the convolution than before it.
      guard taps % 2 == 1, taps <= ModelConfiguration.Convolution.tapsMax else {
        throw ModelError(File.configuration, .badSetting("conv_kernel_size"))
      }
      let groups = conv_groups ?? 1
      guard groups > 0, (hidden_size ?? 0) % groups == 0 else {
        throw ModelError(File.configuration, .badSetting("conv_groups"))
      }
      if num_hidden_layers == 1 {
        throw ModelError(unsupported: "conv_kernel_size", "\(taps) with one layer")
      }
      return ModelConfiguration.Convolution(
        taps: taps, groups: groups, activation: try activation("conv_act", conv_act, .tanh))
    }

    func activation(
      _ name: String, _ value: String?, _ usual: Activation
    ) throws(ModelError) -> Activation {
      guard let value else { return usual }
      guard let activation = Activation(rawValue: value) else {
        throw ModelError(unsupported: name, value)
      }
      return activation
    }
  }
}

extension ModelError {
  /// A setting asks for something that is not computed.
  init(unsupported name: String, _ value: String) {
    self.init(File.configuration, .unsupportedSetting(name, value: String(value.prefix(80))))
  }
}
