import FoundationEssentials
internal import StrictJSON

extension TextNormalizer {
  /// The normalizer of a `tokenizer.json`; no steps where it has none.
  init(_ document: DocumentMembers) throws(TokenizerError) {
    steps = []
    guard document.value("normalizer") != nil else { return }
    try append(document.object("normalizer"), isNested: false)
  }

  private mutating func append(
    _ object: DocumentMembers, isNested: Bool
  ) throws(TokenizerError) {
    switch try object.text("type") {
    case "Sequence" where !isNested:
      for (index, value) in try object.list("normalizers").enumerated() {
        let place = "\(object.place).normalizers[\(index)]"
        try append(DocumentMembers(value, at: place), isNested: true)
      }
    case "BertNormalizer":
      steps.append(
        .bert(
          BertNormalizer(
            cleans: try object.flag("clean_text") ?? true,
            separatesIdeographs: try object.flag("handle_chinese_chars") ?? true,
            stripsAccents: try object.flag("strip_accents"),
            lowercases: try object.flag("lowercase") ?? true)))
    case "Lowercase": steps.append(.lowercase)
    case "Strip":
      steps.append(
        .strip(
          left: try object.flag("strip_left") ?? true,
          right: try object.flag("strip_right") ?? true))
    case "Precompiled": steps.append(.map(try Self.characterMap(object)))
    case "Replace":
      let replacement = try object.text("content") ?? ""
      steps.append(.replace(try Self.pattern(object), with: replacement))
    case "NFC": steps.append(.compose)
    case "NFD": steps.append(.decompose)
    case let type:
      throw object.unsupported(
        type,
        instead: "BertNormalizer, Lowercase, Strip, Precompiled, Replace, NFC and NFD are")
    }
  }

  private static func characterMap(
    _ object: DocumentMembers
  ) throws(TokenizerError) -> CharacterMap {
    let name = "precompiled_charsmap"
    let data = try object.text(name).flatMap { Data(base64Encoded: $0) }
    guard let map = data.flatMap({ CharacterMap(Array($0)) }) else {
      throw object.error(name, "is no table of character replacements")
    }
    return map
  }

  private static func pattern(_ object: DocumentMembers) throws(TokenizerError) -> Pattern {
    let pattern = try object.object("pattern")
    if let text = try pattern.text("String") { return .text(text) }
    switch try pattern.text("Regex") {
    case " {2,}": return .spaces
    case #"\s{2,}|[\n\r\t]"#: return .whiteSpace
    default:
      throw object.error(
        "pattern", #"is none of the regular expressions " {2,}" and "\s{2,}|[\n\r\t]""#)
    }
  }
}

/// How `tokenizer.json` cuts normalized texts into words.
enum WordSplit {
  /// WordPiece goes with BERT's way only.
  static func checkBERT(_ document: DocumentMembers) throws(TokenizerError) {
    let steps = try steps(document)
    guard steps.count == 1, try steps[0].text("type") == "BertPreTokenizer" else {
      throw document.error("pre_tokenizer", "is not supported with WordPiece; BertPreTokenizer is")
    }
  }

  /// BPE goes with GPT-2's way only. As in transformers, `tokenizer_config.json` says whether a
  /// text gets a space in front.
  static func byteLevel(
    _ document: DocumentMembers, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) -> ByteLevelSplit {
    let steps = try steps(document)
    for step in steps {
      let type = try step.text("type")
      guard type == "ByteLevel", steps.count == 1 else {
        throw step.unsupported(type, instead: "with BPE, ByteLevel alone is")
      }
    }
    guard let step = steps.first else { throw document.error("pre_tokenizer", "is missing") }
    return ByteLevelSplit(
      addsSpace: configuration.addsPrefixSpace, splits: try step.flag("use_regex") ?? true)
  }

  /// Unigram goes with Metaspace, which may come after WhitespaceSplit and Punctuation.
  static func metaspace(
    _ document: DocumentMembers
  ) throws(TokenizerError) -> UnigramModel.Metaspace {
    var words = UnigramModel.Metaspace()
    let steps = try steps(document)
    for (index, step) in steps.enumerated() {
      let type = try step.text("type")
      switch type {
      case "Punctuation" where index < steps.count - 1:
        let behaviour = try step.text("behavior") ?? "Isolated"
        guard behaviour == "Isolated" else {
          throw step.error("behavior", "= \(behaviour.prefix(80)) is not supported; Isolated is")
        }
        words.isolatesPunctuation = true
      case "WhitespaceSplit" where index < steps.count - 1: words.dropsSpace = true
      case "Metaspace" where index == steps.count - 1:
        words.sign = try step.text("replacement") ?? words.sign
        guard words.sign.unicodeScalars.count == 1 else {
          throw step.error("replacement", "is not one character")
        }
        let scheme = try step.text("prepend_scheme") ?? "always"
        guard scheme == "always" || scheme == "never" else {
          throw step.error("prepend_scheme", "= \(scheme.prefix(80)) is not supported")
        }
        words.isPrepended = try step.flag("add_prefix_space") ?? (scheme == "always")
        words.splits = try step.flag("split") ?? true
      default:
        throw step.unsupported(
          type, instead: "with Unigram, WhitespaceSplit and Punctuation before Metaspace are")
      }
    }
    guard !steps.isEmpty else { throw document.error("pre_tokenizer", "is missing") }
    return words
  }

  private static func steps(
    _ document: DocumentMembers
  ) throws(TokenizerError) -> [DocumentMembers] {
    let object = try document.object("pre_tokenizer")
    guard try object.text("type") == "Sequence" else { return [object] }
    var steps: [DocumentMembers] = []
    for (index, value) in try object.list("pretokenizers").enumerated() {
      steps.append(try DocumentMembers(value, at: "\(object.place).pretokenizers[\(index)]"))
    }
    return steps
  }
}
