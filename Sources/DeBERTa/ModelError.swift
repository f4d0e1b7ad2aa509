internal import Basics

/// Why a model folder cannot be used: which file, and what is wrong in it.
package struct ModelError: Error, Equatable, CustomStringConvertible {
  /// The file's name inside the folder; empty where the folder itself is meant.
  package let file: String
  /// What is wrong.
  package let problem: Problem

  /// Something is wrong in `file`.
  package init(_ file: String, _ problem: Problem) {
    self.file = file
    self.problem = problem
  }

  /// What can be wrong in a model folder.
  package enum Problem: Equatable, Sendable {
    /// The system could not open or map the file; the reason in its words.
    case unreadable(String)
    /// The system could not write the file; the reason in words.
    case unwritable(String)
    /// The file is not JSON, or not of the expected structure.
    case malformed(String)
    /// The header claims more bytes than there are, or more than any model has.
    case headerLength(UInt64)
    /// The file ends before its tensors do, or holds bytes that no tensor claims.
    case truncated(expectedBytes: Int, foundBytes: Int)
    /// A tensor's offsets overlap another's, leave a gap, or do not fit its shape.
    case badOffsets(tensor: String)
    /// What is there is no folder of a model; what it is and what to do about it.
    case noModel(String)
    /// The file was not fetched: Git LFS left a pointer.
    case pointer
    /// The index of the weights names the file, which is not there.
    case missingPart
    /// The weights are packed integers; how they were made.
    case quantized(String)
    /// A tensor has a number that is infinite, or none.
    case notFinite(tensor: String)
    /// The weights lack a tensor.
    case missingTensor(String)
    /// A tensor has another shape than the configuration asks for.
    case wrongShape(tensor: String, expected: [Int], found: [Int])
    /// A tensor has a number format that is not read: F32, F16, BF16 and F64 are.
    case unsupportedFormat(tensor: String, format: String)
    /// A setting is missing, or out of its range.
    case badSetting(String)
    /// A setting asks for something that this engine does not compute.
    case unsupportedSetting(String, value: String)
    /// The labels' names do not tell which are unsafe.
    case ambiguousLabels([String])
    /// A name that is said to be an unsafe label is none of the labels.
    case unknownLabel(String, labels: [String])
    /// The model is of a type that is not converted.
    case notConverted(type: String)
    /// There are the weights of an encoder, but not those of a classifier on it.
    case noClassifier
    /// The tables of relative positions would be larger than the weights.
    case tablesTooLarge
  }

  /// One line for an operator.
  package var description: String {
    file.isEmpty ? problem.description : "\(file): \(problem.description)"
  }

  /// One line for an operator that says where the folder is.
  package func description(in folder: String) -> String {
    file.isEmpty ? "\(folder): \(description)" : "\(folder)/\(description)"
  }
}

extension ModelError.Problem: CustomStringConvertible {
  /// One line for an operator.
  package var description: String {
    switch self {
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .unwritable(let reason): "cannot be written: \(reason)"
    case .malformed(let reason): "is malformed: \(reason)"
    case .headerLength(let length): "claims a header of \(length) bytes"
    case .truncated(let expected, let found): "should have \(expected) bytes but has \(found)"
    case .badOffsets(let tensor): "tensor \(tensor) has wrong offsets"
    case .missingTensor(let tensor): "tensor \(tensor) is missing"
    case .wrongShape(let tensor, let expected, let found):
      "tensor \(tensor) has shape \(found) where \(expected) is expected"
    case .unsupportedFormat(let tensor, let format):
      "tensor \(tensor) has format \(format); F32, F16, BF16 and F64 are read"
    case .badSetting(let name): "setting \(name) is missing or out of range"
    case .noModel(let sentence): sentence
    case .pointer: LargeFilePointer.problem
    case .missingPart: "is missing, though \(File.weightIndex) names it: download it, too"
    case .quantized(let method):
      "has quantized weights (quantization_config: \(method)), which are not computed: take the "
        + "float32 or float16 weights that they were made from"
    case .notFinite(let tensor):
      "tensor \(tensor) has a number that is infinite or none (NaN): such a model judges nothing, "
        + "take an earlier checkpoint, or train again more slowly"
    case .unsupportedSetting("model_type", let type): OtherModels.sentence(modelType: type)
    case .unsupportedSetting("architectures", let name):
      OtherModels.sentence(architecture: name)
    case .unsupportedSetting("problem_type", "regression"):
      "is a regression (problem_type), whose number is no probability: a classifier is needed"
    case .unsupportedSetting(let name, let value): "setting \(name) = \(value) is not supported"
    case .ambiguousLabels(let names):
      "labels \(Self.list(names)) do not tell which of them are unsafe: name these in "
        + "model.unsafe_label, or as unsafe_labels in the folder's sluice.json"
        + (names.contains { $0.lowercased() == "entailment" }
          ? "; or say in model.hypothesis what unsafe texts imply, since this is an NLI model" : "")
    case .unknownLabel(let name, let names):
      "has no label \"\(name)\", which is said to be unsafe; it has \(Self.list(names))"
    case .notConverted(let type):
      "is of model_type \(type); bert, roberta and xlm-roberta are converted"
    case .noClassifier:
      "has no pooler and classifier: a model can be trained from it, but it cannot judge"
    case .tablesTooLarge: "asks for relative-position tables larger than the weights"
    }
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).map { "\"\($0.prefix(40))\"" }.joined(separator: ", ")
    return names.count > 12 ? shown + " …" : shown
  }
}

/// Why a batch cannot be judged; says nothing of its text.
package enum BatchError: Error, Equatable {
  /// A sequence has no token.
  case emptySequence(index: Int)
  /// A token is not in the model's vocabulary.
  case unknownToken(sequence: Int)
  /// A sequence is longer than the model's table of absolute positions.
  case tooLong(sequence: Int, tokensMax: Int)
  /// The device that computes has failed, and no other batch will fare better.
  case device(String)
}
