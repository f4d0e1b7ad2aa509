internal import Files
internal import Foundation
package import StrictJSON

/// What a model's maker says of it in `sluice.json`. A registry adds which version it is:
/// `ModelManifest`.
///
/// | key | meaning |
/// |---|---|
/// | `parent` | the version that it was made from; absent for a model that came from elsewhere |
/// | `training_data` | a list of `{"name": …, "sha256": …}` |
/// | `recipe`, `metrics` | any objects |
/// | `calibration` | see `Calibration` |
/// | `unsafe_labels` | the labels that are unsafe, where their names do not tell |
/// | `hypothesis` | the sentence that unsafe texts imply, for a model that tells whether they do |
/// | `folds_text` | true where the model is given texts as they are read: see `TextFolding` |
/// | `views` | `prompt`, `response` or both: what the model is for, where its labels do not tell |
///
/// What is empty is left out. Other keys are kept as they are when the file is written again.
package struct ModelDescription: Hashable, Sendable {
  /// A data set that the model was trained on.
  package struct DataSet: Codable, Hashable, Sendable {
    package let name: String
    /// 64 hexadecimal digits.
    package let sha256: String

    package init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256
    }
  }

  /// A part of an exchange that the model is for.
  package enum View: String, Codable, Hashable, Sendable {
    /// The prompt alone.
    case prompt
    /// The response, given the prompt.
    case response
  }

  package var parent: ModelVersion?
  package var trainingData: [DataSet] = []
  package var recipe: [String: JSON] = [:]
  package var metrics: [String: JSON] = [:]
  package var calibration: Calibration?
  package var unsafeLabels: [String] = []
  package var hypothesis: String?
  package var views: [View] = []
  package var foldsText = false
  /// Every other key of the file.
  package var others: [String: JSON] = [:]

  package init() {}
}

extension ModelDescription: Codable {
  private static let knownKeys = [
    "parent", "training_data", "recipe", "metrics", "calibration", "unsafe_labels", "hypothesis",
    "views", "folds_text",
  ]

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    parent = try container.decodeIfPresent(ModelVersion.self, forKey: "parent")
    trainingData = try container.decodeIfPresent([DataSet].self, forKey: "training_data") ?? []
    recipe = try container.decodeIfPresent([String: JSON].self, forKey: "recipe") ?? [:]
    metrics = try container.decodeIfPresent([String: JSON].self, forKey: "metrics") ?? [:]
    calibration = try container.decodeIfPresent(Calibration.self, forKey: "calibration")
    unsafeLabels = try container.decodeIfPresent([String].self, forKey: "unsafe_labels") ?? []
    hypothesis = try container.decodeIfPresent(String.self, forKey: "hypothesis")
    views = try container.decodeIfPresent([View].self, forKey: "views") ?? []
    foldsText = try container.decodeIfPresent(Bool.self, forKey: "folds_text") ?? false
    for key in container.allKeys
    where !Self.knownKeys.contains(key.stringValue)
      && ModelManifest.CodingKeys(stringValue: key.stringValue) == nil
    {
      others[key.stringValue] = try container.decode(JSON.self, forKey: key)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    for (name, value) in others { try container.encode(value, forKey: AnyKey(name)) }
    try container.encodeIfPresent(parent, forKey: "parent")
    try container.encodeIfPresent(
      trainingData.isEmpty ? nil : trainingData, forKey: "training_data")
    try container.encodeIfPresent(recipe.isEmpty ? nil : recipe, forKey: "recipe")
    try container.encodeIfPresent(metrics.isEmpty ? nil : metrics, forKey: "metrics")
    try container.encodeIfPresent(calibration, forKey: "calibration")
    try container.encodeIfPresent(
      unsafeLabels.isEmpty ? nil : unsafeLabels, forKey: "unsafe_labels")
    try container.encodeIfPresent(hypothesis, forKey: "hypothesis")
    try container.encodeIfPresent(views.isEmpty ? nil : views, forKey: "views")
    try container.encodeIfPresent(foldsText ? true : nil, forKey: "folds_text")
  }
}

extension ModelDescription {
  /// What a model folder says; nil when it says nothing.
  ///
  /// - Throws: `RegistryError` of the kind `damaged` when any of it cannot be read.
  package static func read(folder: String) throws(RegistryError) -> ModelDescription? {
    try ManifestFile(folder: folder)?.description
  }

  /// What a model says that is trained or mixed from the one in a folder: what its labels mean,
  /// what it is for and how it is given texts. Calibration and figures are another model's.
  package static func readToInherit(
    folder: String
  ) throws(RegistryError) -> ModelDescription {
    let base = try read(folder: folder)
    var description = ModelDescription()
    description.unsafeLabels = base?.unsafeLabels ?? []
    description.views = base?.views ?? []
    description.hypothesis = base?.hypothesis
    description.foldsText = base?.foldsText ?? false
    return description
  }

  /// What a model that is made from the one in a folder is to say: that of a version is its child.
  /// Nil when the folder says nothing.
  package static func readToCopy(folder: String) throws(RegistryError) -> ModelDescription? {
    guard let file = try ManifestFile(folder: folder) else { return nil }
    var description = file.description
    description.parent = file.manifest?.version ?? description.parent
    return description
  }

  /// What a model folder says that may say something else from now on. A copy of a version is its
  /// child.
  ///
  /// - Throws: `RegistryError` of the kind `refused` when the folder is a version of a registry:
  ///   its name and its verdicts tell what it is.
  package static func readToChange(folder: String) throws(RegistryError) -> ModelDescription {
    guard let file = try ManifestFile(folder: folder) else { return ModelDescription() }
    var description = file.description
    if let version = file.manifest?.version {
      let name = URL(filePath: folder).resolvingSymlinksInPath().lastPathComponent
      guard name != version.description else {
        throw RegistryError(
          .refused, folder,
          "is a version of a registry, which never changes; copy it under another name, and "
            + "register the copy")
      }
      description.parent = version
    }
    return description
  }

  /// Makes this what the folder says. A reader sees the old file or the new one, also after a
  /// crash.
  package func write(folder: String) throws(RegistryError) {
    let path = "\(folder)/\(ModelManifest.fileName)"
    let json = try ManifestFile.json(self, for: path)
    try withFileErrors(as: RegistryError.init, try DurableFiles().replace(path, with: json))
  }
}

/// A key that only the file knows.
struct AnyKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init(stringLiteral name: String) { stringValue = name }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
