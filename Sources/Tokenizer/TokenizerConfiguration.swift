/// The parts of `tokenizer_config.json` that change what the tokenizer does.
struct TokenizerConfiguration: Decodable {
  /// Longest sequence in tokens; nil when the file has none or a number that stands for none.
  var lengthMax: Int? {
    guard let model_max_length = model_max_length?.value, model_max_length >= 1,
      model_max_length < 1e6
    else { return nil }
    return Int(model_max_length)
  }

  /// Whether text is lower-cased; nil where the file does not say.
  var lowercases: Bool? { do_lower_case }
  /// Whether each punctuation character is a word for SentencePiece.
  var splitsPunctuation: Bool { split_by_punct ?? false }
  /// Whether BERT sets ideographs apart; nil where the file does not say.
  var separatesIdeographs: Bool? { tokenize_chinese_chars }
  /// Whether BERT takes accents off; nil where lower-casing decides.
  var stripsAccents: Bool? { strip_accents }
  /// Whether a text that does not begin with a space gets one in byte-level BPE.
  var addsPrefixSpace: Bool { add_prefix_space ?? false }
  /// Whether the tokenizer's class is RoBERTa's, as far as the file says.
  var isRoberta: Bool {
    tokenizer_class.map { ["RobertaTokenizer", "RobertaTokenizerFast"].contains($0) } ?? true
  }
  /// Whether the tokenizer's class goes by BERT's switches, which then overrule `tokenizer.json`.
  var overrulesNormalizer: Bool {
    tokenizer_class.map { !Self.plainClasses.contains($0) } ?? true
  }

  /// Tokens by the name of their part, such as `cls_token`.
  private(set) var roles: [String: NamedToken] = [:]
  /// Special tokens that have no part.
  private(set) var specialTokens: [NamedToken] = []
  /// Added tokens with their ids; nil where the file does not list them.
  private(set) var addedTokens: [AddedToken]?

  private let model_max_length: Length?
  private let do_lower_case: Bool?
  private let split_by_punct: Bool?
  private let tokenize_chinese_chars: Bool?
  private let strip_accents: Bool?
  private let add_prefix_space: Bool?
  private let tokenizer_class: String?
  private let vocab_type: String?

  static let fileName = "tokenizer_config.json"
  /// Classes that take `tokenizer.json` as it is.
  private static let plainClasses = [
    "PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer",
    "DebertaV2TokenizerFast", "DebertaV2Tokenizer",
  ]

  private enum Key: String, CodingKey {
    case model_max_length, do_lower_case, split_by_punct, tokenize_chinese_chars, strip_accents
    case add_prefix_space, tokenizer_class, vocab_type, added_tokens_decoder
    case extra_special_tokens
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    model_max_length = try container.decodeIfPresent(Length.self, forKey: .model_max_length)
    do_lower_case = try container.decodeIfPresent(Bool.self, forKey: .do_lower_case)
    split_by_punct = try container.decodeIfPresent(Bool.self, forKey: .split_by_punct)
    tokenize_chinese_chars = try container.decodeIfPresent(
      Bool.self, forKey: .tokenize_chinese_chars)
    strip_accents = try container.decodeIfPresent(Bool.self, forKey: .strip_accents)
    add_prefix_space = try container.decodeIfPresent(Bool.self, forKey: .add_prefix_space)
    tokenizer_class = try container.decodeIfPresent(String.self, forKey: .tokenizer_class)
    vocab_type = try container.decodeIfPresent(String.self, forKey: .vocab_type)
    let map = try SpecialTokensMap(from: decoder)
    roles = map.roles
    specialTokens = map.others
    if let extra = try? container.decode([String: NamedToken].self, forKey: .extra_special_tokens) {
      specialTokens += extra.sorted { $0.key < $1.key }.map(\.value)
    }
    let listed = try container.decodeIfPresent(
      [String: NamedToken].self, forKey: .added_tokens_decoder)
    addedTokens = listed?.compactMap { id, token in
      Int32(id).map { token.added(id: $0, isSpecial: token.isSpecial ?? false) }
    }.sorted { ($0.id ?? 0) < ($1.id ?? 0) }
  }

  /// What holds where nothing is said.
  private init() {
    (model_max_length, do_lower_case, split_by_punct, tokenize_chinese_chars) = (nil, nil, nil, nil)
    (strip_accents, add_prefix_space, tokenizer_class, vocab_type) = (nil, nil, nil, nil)
  }

  /// The configuration in a folder; a folder without one has the defaults.
  init(folder: String) throws(TokenizerError) {
    self = try TokenizerFile.read(Self.self, Self.fileName, in: folder) ?? Self()
    if let vocab_type, vocab_type != "spm" {
      throw TokenizerError(
        file: Self.fileName, problem: "vocab_type = \(vocab_type) is not supported; spm is")
    }
    // Older folders have their tokens in files of their own, which are read only then.
    guard addedTokens == nil else { return }
    try readOlderFiles(folder)
  }

  private mutating func readOlderFiles(_ folder: String) throws(TokenizerError) {
    let mapFile = "special_tokens_map.json"
    let listFile = "added_tokens.json"
    if let map = try TokenizerFile.read(SpecialTokensMap.self, mapFile, in: folder) {
      roles.merge(map.roles) { $1 }
      specialTokens += map.others
    }
    guard let listed = try TokenizerFile.read([String: Int32].self, listFile, in: folder) else {
      return
    }
    let special = Set(roles.values.map(\.content) + specialTokens.map(\.content))
    addedTokens = listed.sorted { $0.value < $1.value }.map { content, id in
      NamedToken(content: content).added(id: id, isSpecial: special.contains(content))
    }
  }
}

/// A length, which some files write as a text.
private struct Length: Decodable {
  /// Nil where it is no number.
  let value: Double?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let number = try? container.decode(Double.self)
    value = try number ?? Double(container.decode(String.self))
  }
}

/// Tokens and their parts, as `special_tokens_map.json` has them.
struct SpecialTokensMap: Decodable {
  /// By the name of the part, such as `cls_token`.
  let roles: [String: NamedToken]
  /// Those that have no part.
  let others: [NamedToken]

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    var roles: [String: NamedToken] = [:]
    for name in ControlTokens.roles {
      roles[name] = try container.decodeIfPresent(
        NamedToken.self, forKey: Key(stringValue: name))
    }
    self.roles = roles
    var others: [NamedToken] = []
    for name in ["additional_special_tokens", "extra_special_tokens"] {
      let list = try? container.decode([NamedToken].self, forKey: Key(stringValue: name))
      others += list ?? []
    }
    self.others = others
  }
}

/// A token as files name it: its text, or an object with its text and how it is matched.
struct NamedToken: Decodable {
  let content: String
  /// Whether the file says that it is special; nil where it says nothing.
  private(set) var isSpecial: Bool?
  private var record: Record?

  private struct Record: Decodable {
    let content: String
    let single_word: Bool?
    let lstrip: Bool?
    let rstrip: Bool?
    let normalized: Bool?
    let special: Bool?
  }

  init(content: String) { self.content = content }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let content = try? container.decode(String.self) {
      self.init(content: content)
      return
    }
    let record = try container.decode(Record.self)
    self.init(content: record.content)
    isSpecial = record.special
    self.record = record
  }

  /// The token with its id; special ones are matched in the text as it came unless the file says
  /// otherwise.
  func added(id: Int32?, isSpecial: Bool) -> AddedToken {
    AddedToken(
      content: content, id: id, isSingleWord: record?.single_word ?? false,
      takesLeft: record?.lstrip ?? false, takesRight: record?.rstrip ?? false,
      isNormalized: record?.normalized ?? !isSpecial)
  }
}
