import Foundation
internal import StrictJSON
package import Tensors

/// The files of a model: its configuration, its weights in one or several files, and a hash.
package struct ModelFolder: Sendable {
  /// The switches.
  package let configuration: ModelConfiguration
  package static let configurationFile = File.configuration
  /// The tokenizer's files in most folders, in the order in which hashes take them in.
  package static let tokenizerFiles = ["spm.model", "tokenizer_config.json"]
  /// Other files of a tokenizer, which hashes take in where they are.
  private static let laterTokenizerFiles = [
    "tokenizer.json", "vocab.txt", "added_tokens.json", "special_tokens_map.json",
  ]
  /// The files of a byte-level BPE, which make up the tokenizer where no other file does.
  private static let bytePairFiles = ["vocab.json", "merges.txt"]

  /// The files besides `tokenizerFiles` that may be a folder's tokenizer.
  package static func laterTokenizerFiles(of folder: String) -> [String] {
    let isOther = ["spm.model", "tokenizer.json", "vocab.txt"].contains {
      FileManager.default.fileExists(atPath: folder + "/" + $0)
    }
    return laterTokenizerFiles + (isOther ? [] : bytePairFiles)
  }

  let path: String
  private let openedConfiguration: MappedFile
  let shards: [SafetensorsFile]
  private let shardOfTensor: [String: Int]
  /// What stands before every weight's name because of what it was wrapped in; usually nothing.
  private let wrapper: String

  /// Opens the folder at `path` and checks every header.
  package init(path: String) throws(ModelError) {
    self.path = path
    let contents = try FolderContents(path: path)
    try contents.requireConfiguration()
    openedConfiguration = try MappedFile(folder: path, name: File.configuration)
    let json = try ModelFolder.text(of: openedConfiguration)
    configuration = try ModelConfiguration(json: json)
    try contents.requireWeights(architecture: configuration.architecture)
    var shards: [SafetensorsFile] = []
    for name in try ModelFolder.shardNames(in: path) {
      shards.append(try SafetensorsFile(folder: path, name: name))
    }
    self.shards = shards
    var shardOfTensor: [String: Int] = [:]
    for (index, shard) in shards.enumerated() {
      for name in shard.names { shardOfTensor[name] = index }
    }
    self.shardOfTensor = shardOfTensor
    wrapper = ModelFolder.wrapper(of: shardOfTensor.keys, configuration.backbone)
  }

  /// What the `config.json` of a folder says, which may have no weights.
  static func configuration(in path: String) throws(ModelError) -> ModelConfiguration {
    try FolderContents(path: path).requireConfiguration()
    let file = try MappedFile(folder: path, name: File.configuration)
    return try ModelConfiguration(json: try text(of: file))
  }

  /// The files of the weights.
  var weightFiles: WeightFiles { WeightFiles(shards.map(\.file), in: path) }

  /// Bytes of the weight files.
  package var weightBytes: Int { shards.reduce(0) { $0 + $1.file.count } }

  /// A weight by its name without prefix: the encoder's are saved with one or without, depending on
  /// which class saved them.
  func parameter(_ name: String, _ shape: [Int]) throws(ModelError) -> Parameter {
    guard let place = place(of: name) else { throw ModelError(weightFile, .missingTensor(name)) }
    return try shards[place.shard].parameter(place.name, shape: shape)
  }

  /// The file of a weight, and its name there; nil without such a weight.
  func place(of name: String) -> (shard: Int, name: String)? {
    for name in configuration.backbone.names(of: name).lazy.map({ wrapper + $0 }) {
      if let shard = shardOfTensor[name] { return (shard, name) }
    }
    return nil
  }

  /// A weight's bytes as they are, by its name without prefix.
  func stored(_ name: String) throws(ModelError) -> StoredTensor {
    guard let place = place(of: name), let tensor = shards[place.shard].stored(place.name) else {
      throw ModelError(weightFile, .missingTensor(name))
    }
    return tensor
  }

  /// Everything that `config.json` says.
  func settings() throws(ModelError) -> [String: JSON] {
    let json = try Self.text(of: openedConfiguration)
    do throws(JSONError) {
      return try JSONCoder.decode(from: json.withoutByteOrderMark)
    } catch {
      throw ModelError(File.configuration, .malformed(error.problem))
    }
  }

  /// What the labels mean. A file that names none has one for each row of the classifier.
  ///
  /// - Parameter chosen: the unsafe labels, where somebody said which; else empty.
  package func labelScheme(chosen: [String] = []) throws(ModelError) -> LabelScheme {
    let rows = place(of: configuration.backbone.classifier + ".weight")
      .flatMap { shards[$0.shard].shape(of: $0.name)?.first }
    return try configuration.labelScheme(rows: rows, chosen: chosen)
  }

  /// Whether there is a weight of that name, which is without prefix.
  func has(_ name: String) -> Bool { place(of: name) != nil }

  /// Whether there is a classifier on the encoder.
  package var hasClassifier: Bool {
    let backbone = configuration.backbone
    return [backbone.bare(backbone.pooler), backbone.classifier].allSatisfy { has($0 + ".weight") }
  }

  /// A file of weights, to say of it what is missing.
  var weightFile: String { shards.first?.file.name ?? File.weights }

  /// A hash of everything that scores depend on: configuration, weights and tokenizer files.
  package func hash(on pool: WorkerPool) -> ContentHash {
    var hash = ContentHash()
    hash.add(openedConfiguration.contents, on: pool)
    for shard in shards { hash.add(shard.file.contents, on: pool) }
    for name in Self.tokenizerFiles + Self.laterTokenizerFiles(of: path) {
      if let file = try? MappedFile(folder: path, name: name) { hash.add(file.contents, on: pool) }
    }
    return hash
  }

  private static let textBytesMax = 16 << 20

  private static func text(of file: MappedFile) throws(ModelError) -> Data {
    try file.refusePointer()
    guard file.count <= textBytesMax else {
      throw ModelError(file.name, .malformed("more than \(textBytesMax) bytes of JSON"))
    }
    return file.data(at: 0..<file.count)
  }

  /// `model.safetensors`, or the files that the index of a larger model names.
  private static func shardNames(in path: String) throws(ModelError) -> [String] {
    struct Index: Decodable {
      let weight_map: [String: String]
    }
    guard FileManager.default.fileExists(atPath: path + "/" + File.weightIndex),
      !FileManager.default.fileExists(atPath: path + "/" + File.weights)
    else { return [File.weights] }
    let file = try MappedFile(folder: path, name: File.weightIndex)
    let index: Index
    let text = try text(of: file)
    do throws(JSONError) {
      index = try JSONCoder.decode(from: text.withoutByteOrderMark)
    } catch {
      throw ModelError(file.name, .malformed(error.problem))
    }
    let names = Set(index.weight_map.values).sorted()
    guard names.count <= 1000, !names.isEmpty, names.allSatisfy(isPlain) else {
      throw ModelError(file.name, .malformed("weight_map names no usable files"))
    }
    for name in names where !FileManager.default.fileExists(atPath: path + "/" + name) {
      throw ModelError(name, .missingPart)
    }
    return names
  }

  /// What PyTorch's wrappers put before the names of all weights, where it is found and the names
  /// without it are not there, too.
  private static func wrapper(of names: some Collection<String>, _ backbone: Backbone) -> String {
    let words = "embeddings.word_embeddings.weight"
    let found = Set(
      names.filter { $0.hasSuffix(words) }.map { name in
        let rest = String(name.dropLast(words.count))
        return rest.hasSuffix(backbone.prefix) ? String(rest.dropLast(backbone.prefix.count)) : rest
      })
    guard found.count == 1, let wrapper = found.first,
      wrapper.split(separator: ".").allSatisfy({ $0 == "module" || $0 == "_orig_mod" })
    else { return "" }
    return wrapper
  }

  /// A file of the folder itself: an index must not lead elsewhere.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && !name.contains("/") && !name.contains("\0") && name != ".." && name != "."
  }
}
