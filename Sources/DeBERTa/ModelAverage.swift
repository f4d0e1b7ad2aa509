internal import Basics
internal import Foundation
import Tensors

/// The mean of the weights of models that were trained from one start: a "model soup" (Wortsman et
/// al., arXiv 2203.05482, uniform). It costs what one model costs, and often judges texts unlike
/// the training data better than each of them.
///
/// Sums are taken in single precision, in the order of the models.
package struct ModelAverage {
  private let paths: [String]
  private let folders: [ModelFolder]

  /// - Parameters:
  ///   - paths: folders of at least two models with the same switches, labels and tokenizer.
  ///   - unsafeLabels: the unsafe labels, where their names do not tell; else empty.
  /// - Throws: `AverageError` for a model that cannot be used or differs from the first.
  package init(
    folders paths: [String], unsafeLabels: [String]
  ) throws(AverageError) {
    precondition(paths.count > 1, "of one model there is no mean")
    self.paths = paths
    var folders: [ModelFolder] = []
    for path in paths {
      do throws(ModelError) {
        let folder = try ModelFolder(path: path)
        guard folder.hasClassifier else { throw ModelError(folder.weightFile, .noClassifier) }
        guard try folder.labelScheme(chosen: unsafeLabels).isBinary else {
          throw ModelError(File.configuration, .badSetting("id2label"))
        }
        folders.append(folder)
      } catch {
        throw AverageError(description: error.description(in: path))
      }
      try Self.check(path, folders[folders.count - 1], against: paths[0], folders[0])
    }
    self.folders = folders
  }

  private static func check(
    _ path: String, _ folder: ModelFolder, against first: String, _ start: ModelFolder
  ) throws(AverageError) {
    func differ(_ what: String) -> AverageError {
      AverageError(description: "\(path) and \(first) have different \(what)")
    }
    guard folder.configuration == start.configuration else { throw differ("switches or labels") }
    let names = ModelFolderWriter.tokenizer(of: first)
    guard ModelFolderWriter.tokenizer(of: path) == names else { throw differ("tokenizers") }
    for name in names {
      let digests = [path, first].map { try? ContentDigest(file: "\($0)/\(name)") }
      guard digests[0] == digests[1] else { throw differ("tokenizers (\(name))") }
    }
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files into `folder`, which
  /// exists and is empty.
  package func write(to folder: String, format: WeightFormat) throws(ModelError) {
    let layout = ParameterLayout(folders[0].configuration)
    let arena = FloatArena(count: layout.count)
    for source in folders {
      for entry in layout.entries {
        let name = source.configuration.backbone.bare(entry.name)
        let weight = try source.parameter(name, entry.shape)
        arena.withMutableValues(entry.range) { sums in
          for index in sums.indices { sums[index] += weight.values[index] }
        }
      }
    }
    let count = Float(folders.count)
    arena.withMutableValues(0..<layout.count) { sums in
      for index in sums.indices { sums[index] /= count }
    }
    let writer = ModelFolderWriter(folder: folder)
    try writer.copyTokenizer(of: paths[0])
    guard let settings = FileManager.default.contents(atPath: "\(paths[0])/\(File.configuration)")
    else { throw ModelError(File.configuration, .unreadable("cannot be copied")) }
    try writer.finish(
      configuration: settings,
      layout.entries.map { entry in
        OutgoingTensor(
          name: entry.name,
          ArenaTensor(arena: arena, offset: entry.offset, shape: entry.shape), format: format)
      })
  }
}

/// Why models have no mean.
package struct AverageError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}
