internal import CudaDeBERTa
internal import CudaDevice
internal import DeBERTa
package import ModelRegistry
package import Records
package import Settings
package import Tensors

/// What the folder of a model is, told without a copy of its weights and without judging a text.
///
/// Whatever would keep the model from being loaded is thrown, in the same words.
package struct ModelInspection: Sendable {
  /// A label and what it is taken for.
  package struct Label: Sendable {
    package let name: String
    package let isUnsafe: Bool
  }

  /// What reads texts.
  package struct Tokens: Sendable {
    /// The file that counts.
    package let file: String
    /// Such as `WordPiece`.
    package let kind: String
    /// Every id is below it.
    package let ids: Int
    /// Tokens that are matched in texts beside the vocabulary's pieces.
    package let added: Int
    /// Texts are folded first: see `TextFolding`.
    package let foldsText: Bool
  }

  /// One way to compute a model.
  package struct Engine: Sendable {
    /// `cpu` or `cuda`.
    package let device: String
    /// Such as `fp16`.
    package let precision: String
    /// Why it does not compute this kind of model; nil where it does.
    package let refusal: String?
  }

  /// Operations for one token, two for each product that is added.
  package struct Cost: Sendable {
    /// Tokens of the sequence that it is in.
    package let length: Int
    package let operations: Int
  }

  /// The sizes of the encoder, in the names of `config.json` without their `num_` and `_size`.
  package struct Sizes: Sendable {
    package let layers: Int
    package let hidden: Int
    package let heads: Int
    package let intermediate: Int
    package let embedding: Int
    package let vocabulary: Int
    package let tokenTypes: Int
    /// Tokens that the model was made for.
    package let positions: Int
    /// Whether longer sequences than `positions` cannot be computed.
    package let positionsAreAbsolute: Bool
  }

  /// Name and hash as verdicts show them.
  package let model: String
  /// `model_type`.
  package let type: String
  /// The class that `config.json` names; nil where it names none.
  package let architecture: String?
  package let sizes: Sizes
  /// Numbers of all weights, by their format, such as `F16`.
  package let formats: [String: Int]
  package let weightFiles: [String]
  package let weightBytes: Int
  package let labels: [Label]
  /// Whether one of the labels is right, rather than each being a question of its own.
  package let labelsExcludeEachOther: Bool
  package let windowTokens: Int
  package let overlapTokens: Int
  package let tokens: Tokens
  package let views: JudgedViews
  /// The sentence that texts are held against; nil for a model of safe and unsafe.
  package let hypothesis: String?
  package let costs: [Cost]
  package let engines: [Engine]
  package let calibration: Calibration?
  /// What a registry says of it; nil for a folder that is no version of one.
  package let manifest: ModelManifest?
  /// Why it cannot judge; nil where it can.
  package let judgingRefusal: String?
  /// Why no training starts from it; nil where one does.
  package let trainingRefusal: String?

  /// Tokens of a sequence that is short, for its cost.
  private static let shortLength = 32

  /// Inspects the folder that the settings name.
  ///
  /// - Parameter pool: reads all files where they are mapped.
  package init(settings: ModelSettings, pool: WorkerPool) throws(GuardModelFailure) {
    let parts = try GuardFolder(settings)
    let shape = parts.folder.configuration
    let census: ModelFolder.Census
    do throws(ModelError) {
      census = try parts.folder.census(labels: parts.labels)
      try parts.folder.checkNumbers(on: pool)
    } catch {
      throw .unusable(error.description(in: parts.path))
    }
    do throws(RegistryError) {
      manifest = try ModelManifest.read(folder: parts.path)
    } catch {
      throw .unusable(error.description)
    }
    let hash = parts.hash(of: parts.folder.hash(on: pool), on: pool).description
    model = parts.model(named: settings.name, hash: hash)
    (type, architecture) = (shape.backbone.rawValue, shape.architecture)
    sizes = Sizes(shape)
    (formats, weightFiles) = (census.formats, census.files)
    weightBytes = parts.folder.weightBytes
    labels = parts.labels.names.enumerated().map {
      Label(name: $1, isUnsafe: parts.labels.unsafe.contains($0))
    }
    labelsExcludeEachOther = parts.labels.activation == .softmax
    windowTokens = parts.encoder.windowTokens
    overlapTokens = parts.encoder.overlapTokens
    tokens = Tokens(parts)
    views = parts.views
    hypothesis = parts.hypothesis
    costs = [parts.encoder.windowTokens, Self.shortLength].map {
      Cost(length: $0, operations: 2 * shape.multiplyAdds(length: $0))
    }
    engines = Self.engines(for: parts)
    calibration = parts.description?.calibration
    judgingRefusal = parts.folder.hasClassifier ? nil : ModelError.Problem.noClassifier.description
    trainingRefusal =
      parts.labels.isBinary ? nil : "a training has two labels that exclude each other"
    if judgingRefusal != nil, let trainingRefusal {
      throw .unusable("\(parts.path): has no classifier, and \(trainingRefusal)")
    }
  }

  /// Numbers of all weights.
  package var parameters: Int { formats.values.reduce(0, +) }

  private static func engines(for parts: GuardFolder) -> [Engine] {
    [Engine(device: "cpu", precision: "fp32", refusal: nil)]
      + ProductFormat.allCases.map { format in
        Engine(
          device: "cpu", precision: format.rawValue,
          refusal: format.isFast ? nil : "this processor has no instructions for it")
      }
      + Precision.allCases.map { precision in
        Engine(
          device: "cuda", precision: precision.rawValue,
          refusal: refusal(by: precision, of: parts))
      }
  }

  private static func refusal(by precision: Precision, of parts: GuardFolder) -> String? {
    let shape = parts.folder.configuration
    do throws(CudaFailure) {
      try CudaClassifier.check(shape, parts.labels, precision)
      _ = try DistanceSlots(shape.relative, tokensMax: parts.encoder.windowTokens)
      return nil
    } catch {
      return error.summary
    }
  }
}

extension ModelInspection.Sizes {
  fileprivate init(_ shape: ModelConfiguration) {
    layers = shape.layers
    hidden = shape.hidden
    heads = shape.heads
    intermediate = shape.intermediate
    embedding = shape.embedding
    vocabulary = shape.vocabulary
    tokenTypes = shape.tokenTypes
    positions = shape.positions
    positionsAreAbsolute = shape.absolutePositions != nil
  }
}

extension ModelInspection.Tokens {
  fileprivate init(_ parts: GuardFolder) {
    file = parts.tokenizerFile
    kind = parts.tokenizer.kind
    ids = parts.tokenizer.pieceCount
    added = parts.tokenizer.addedTokenCount
    foldsText = parts.foldsText
  }
}
