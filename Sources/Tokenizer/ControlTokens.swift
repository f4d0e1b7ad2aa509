/// The tokens that say where a text begins and ends, or that stand for what is none: text typed by
/// a user never becomes one of them.
struct ControlTokens: Sendable {
  /// The parts that control tokens play, by their names in the files.
  static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// What they are called where no file names them.
  private static let usual: Set<String> = [
    "[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]", "[BOS]", "[EOS]", "<cls>", "<sep>", "<pad>",
    "<mask>", "<unk>", "<s>", "</s>",
  ]

  /// What begins a sequence.
  let begin: String
  /// What ends each text.
  let separator: String
  /// What stands for unknown words.
  let unknown: String
  /// What all of them are called, or may be.
  let all: [String]
  private let names: Set<[UInt8]>

  /// The control tokens of a configuration, and what those at the ends are called where it does
  /// not say.
  init(
    _ configuration: TokenizerConfiguration, begin: String = "[CLS]", separator: String = "[SEP]"
  ) {
    let roles = configuration.roles
    self.begin = roles["cls_token"]?.content ?? begin
    self.separator = roles["sep_token"]?.content ?? separator
    unknown = roles["unk_token"]?.content ?? "[UNK]"
    all = Self.usual.union(roles.values.map(\.content)).sorted()
    names = Set(all.map { Array($0.utf8) })
  }

  /// Whether a token is one.
  func contains(_ token: String) -> Bool { contains(Array(token.utf8)) }

  /// Whether a piece of these bytes is one.
  func contains(_ piece: [UInt8]) -> Bool { names.contains(piece) }
}
