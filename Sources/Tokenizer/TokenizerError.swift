/// Why a model folder's tokenizer cannot be used.
package struct TokenizerError: Error, Hashable, Sendable {
  /// The file's name inside the folder.
  package let file: String
  /// What is wrong in it.
  package let problem: String

  /// Something is wrong in `file`.
  package init(file: String, problem: String) {
    self.file = file
    self.problem = problem
  }
}

extension TokenizerError: CustomStringConvertible {
  /// One line for an operator.
  package var description: String { "\(file): \(problem)" }
}
