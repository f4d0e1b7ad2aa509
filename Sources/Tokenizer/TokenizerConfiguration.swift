import FoundationEssentials
internal import StrictJSON

/// The parts of `tokenizer_config.json` that change what the tokenizer does.
struct TokenizerConfiguration: Decodable {
  /// Longest sequence in tokens; nil when the file has none or a number that stands for none.
  var lengthMax: Int? {
    guard let model_max_length, model_max_length >= 1, model_max_length < 1e6 else { return nil }
    return Int(model_max_length)
  }

  private let model_max_length: Double?
  private let do_lower_case: Bool?
  private let split_by_punct: Bool?
  private let vocab_type: String?

  static let fileName = "tokenizer_config.json"
  private static let bytesMax = 16 << 20

  /// The configuration in a folder; a folder without one has the defaults.
  init(folder: String) throws(TokenizerError) {
    let url = URL(filePath: folder).appending(path: Self.fileName)
    guard FileManager.default.fileExists(atPath: url.path) else {
      (model_max_length, do_lower_case, split_by_punct, vocab_type) = (nil, nil, nil, nil)
      return
    }
    do {
      let data = try Data(contentsOf: url)
      guard data.count <= Self.bytesMax else {
        throw TokenizerError(file: Self.fileName, problem: "is larger than any configuration")
      }
      self = try JSONCoder.decode(Self.self, from: data)
    } catch let error as TokenizerError {
      throw error
    } catch {
      throw TokenizerError(file: Self.fileName, problem: "is no JSON of the expected structure")
    }
    try check()
  }

  private func check() throws(TokenizerError) {
    func refuse(_ problem: String) throws(TokenizerError) {
      throw TokenizerError(file: Self.fileName, problem: problem)
    }
    if do_lower_case == true { try refuse("do_lower_case = true is not supported") }
    if split_by_punct == true { try refuse("split_by_punct = true is not supported") }
    if let vocab_type, vocab_type != "spm" {
      try refuse("vocab_type = \(vocab_type) is not supported; spm is")
    }
  }
}
