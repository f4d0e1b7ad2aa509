internal import Basics
internal import DeBERTa
internal import ModelRegistry
internal import Records
internal import Settings
internal import Tensors
internal import Tokenizer

/// A guard model's folder as far as it can be told without its weights: what its files say of
/// labels, texts and windows, and what the settings make of it.
struct GuardFolder {
  let path: String
  let folder: ModelFolder
  let tokenizer: any TextTokenizer
  let encoder: SequenceEncoder
  /// What its `sluice.json` says; nil without one.
  let description: ModelDescription?
  /// Texts are folded before they are cut into tokens.
  let foldsText: Bool
  /// The unsafe labels as somebody said them; empty where their names tell.
  let unsafeLabels: [String]
  let labels: LabelScheme
  let views: JudgedViews
  /// The sentence that texts are held against; nil for a model of safe and unsafe.
  let hypothesis: String?
  /// Its pieces.
  let hypothesisPieces: [Int32]?
  /// The files that are read whole, as they were before.
  private let textFiles: TextFiles

  /// Reads everything but the weights of the model that the settings name.
  init(_ settings: ModelSettings) throws(GuardModelFailure) {
    path = try settings.folder
    textFiles = TextFiles(in: path)
    do throws(ModelError) {
      folder = try ModelFolder(path: path)
    } catch {
      throw .unusable(error.description(in: path))
    }
    do throws(RegistryError) {
      description = try ModelDescription.read(folder: path)
    } catch {
      throw .unusable(error.description)
    }
    foldsText = description?.foldsText ?? false
    do throws(TokenizerError) {
      tokenizer = try TokenizerFolder.load(path, foldsText: foldsText)
    } catch {
      throw .unusable("\(path)/\(error)")
    }
    hypothesis = settings.hypothesis ?? description?.hypothesis
    let said =
      settings.unsafeLabels.isEmpty ? description?.unsafeLabels ?? [] : settings.unsafeLabels
    unsafeLabels =
      said.isEmpty && hypothesis != nil ? try Self.entailment(in: folder.configuration) : said
    do throws(ModelError) {
      labels = try folder.labelScheme(chosen: unsafeLabels)
    } catch {
      throw .unusable(error.description(in: path))
    }
    guard tokenizer.pieceCount <= folder.configuration.vocabulary else {
      throw .unusable("\(path): the tokenizer has more ids than the model embeddings")
    }
    views =
      settings.views ?? description.flatMap { JudgedViews($0.views) }
      ?? (labels.concernsPrompts ? .prompt : .all)
    encoder = try Self.makeEncoder(settings, tokenizer, folder.configuration)
    hypothesisPieces = hypothesis.map(encoder.pieces)
    if let pieces = hypothesisPieces, pieces.isEmpty || !encoder.isRoom(for: pieces) {
      throw .settings(
        "model.hypothesis: has \(pieces.count) tokens, where from 1 to half of the window's "
          + "\(encoder.windowTokens) may be")
    }
  }

  /// That a file which is read whole is another than before, in a sentence; nil where none is.
  var change: String? {
    TextFiles(in: path) == textFiles
      ? nil : "\(path): its files were changed while they were read; try again"
  }

  /// The file that the tokenizer comes from.
  var tokenizerFile: String { TokenizerFolder.file(in: path) ?? "" }

  /// What the margin is divided by; 1 without a calibration.
  var temperature: Double { description?.calibration?.temperature ?? 1 }

  /// The hash of whatever scores depend on, from that of the files: a temperature, or what a label
  /// is said to mean, a hypothesis or folded texts make another model of the same weights.
  func hash(of files: ContentHash, on pool: WorkerPool) -> ContentHash {
    var hash = files
    if temperature != 1 {
      let bits = [temperature.bitPattern]
      hash.add(unsafe bits.span.bytes, on: pool)
    }
    let folding = foldsText ? "folds_text" : nil
    for text in unsafeLabels + [hypothesis, folding].compactMap({ $0 }) {
      let bytes = Array(text.utf8) + [0]
      hash.add(unsafe bytes.span.bytes, on: pool)
    }
    return hash
  }

  /// Name and hash as verdicts show them.
  ///
  /// - Parameter name: the settings' name; nil takes the folder's.
  func model(named name: String?, hash: String) -> String {
    let folder = path.split(separator: "/").last.map(String.init) ?? "model"
    return "\(name ?? folder)@\(hash.prefix(8))"
  }

  /// 64 bits of a digest of the tokenizer's files, its windows, the views, a hypothesis and whether
  /// texts are folded.
  var cut: UInt64 {
    func digest(_ name: String) -> String? {
      try? ContentDigest(file: "\(path)/\(name)").description
    }
    // Those that came to be read later count where they are: other folders keep their digest.
    let later = ModelFolder.laterTokenizerFiles(of: path).compactMap { name in
      digest(name).map { "\(name) \($0)" }
    }
    // One that cannot be read is like no other, unless others make up the tokenizer.
    let missing = later.isEmpty ? path : ""
    let files = ModelFolder.tokenizerFiles.map { digest($0) ?? missing } + later
    let windows = [encoder.windowTokens, encoder.overlapTokens, encoder.windowsMax]
    let cut = "\(files) \(windows) \(views.rawValue)" + (foldsText ? " folds_text" : "")
    let digest = ContentDigest(of: (hypothesis.map { "\(cut) \($0)" } ?? cut).utf8)
    return digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// The label that says that a text implies the hypothesis.
  private static func entailment(
    in configuration: ModelConfiguration
  ) throws(GuardModelFailure) -> [String] {
    let names = configuration.labels ?? []
    let found = names.filter { $0.lowercased() == "entailment" }
    guard found.isEmpty else { return found }
    throw .settings(
      "model.hypothesis: no label of the model is called entailment; it has "
        + names.prefix(12).joined(separator: ", "))
  }

  private static func makeEncoder(
    _ settings: ModelSettings, _ tokenizer: any TextTokenizer,
    _ configuration: ModelConfiguration
  ) throws(GuardModelFailure) -> SequenceEncoder {
    let window =
      settings.windowTokens
      ?? min(
        tokenizer.lengthMax ?? configuration.positions, configuration.absolutePositions ?? .max)
    guard window >= SequenceEncoder.windowTokensMin else {
      throw .unusable("\(settings.path): the model's longest sequence has only \(window) tokens")
    }
    if let positions = configuration.absolutePositions, window > positions {
      throw .settings("model.window_tokens: the model has only \(positions) positions")
    }
    let overlap = settings.windowOverlapTokens ?? window / 4
    guard overlap <= window / 2 else {
      throw .settings("model.window_overlap_tokens: more than half of the window (\(window))")
    }
    return SequenceEncoder(
      tokenizer: tokenizer, windowTokens: window, overlapTokens: overlap,
      windowsMax: settings.windowsMax)
  }
}

extension JudgedViews {
  /// Those that a model's file names; nil where it names none.
  fileprivate init?(_ named: [ModelDescription.View]) {
    if named.isEmpty { return nil }
    self = named.reduce(into: []) { $0.insert($1 == .prompt ? .prompt : .response) }
  }
}
