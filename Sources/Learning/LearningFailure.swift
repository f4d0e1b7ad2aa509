package import Basics
package import Datasets
internal import DeBERTa
internal import Evaluation
package import Distillation
internal import Files
internal import ModelRegistry
internal import Tokenizer

/// Why a training or a retraining did not end with a model.
package enum LearningFailure: Error, Hashable, Sendable {
  /// A data file has a mistake.
  case data(DatasetError)
  /// There is too little to learn from; what is missing, in words.
  case tooLittleData(String)
  /// The model to start from cannot be used; where and why.
  case model(String)
  /// The output cannot be written; where and why.
  case output(String)
  /// The training itself failed.
  case training(TrainingFailure)
  /// It was asked to stop, and left a checkpoint to go on from.
  case stopped
}

extension LearningFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .data(let error): error.description
    case .tooLittleData(let text), .model(let text), .output(let text): text
    case .training(let failure): failure.description
    case .stopped: "stopped; the same command goes on from here"
    }
  }
}

/// Calls `body`, whose errors become those of learning.
func rethrowing<R>(folder: String, _ body: () throws -> R) throws(LearningFailure) -> R {
  do {
    return try body()
  } catch let failure as LearningFailure {
    throw failure
  } catch let error as DatasetError {
    throw .data(error)
  } catch let error as ModelError {
    throw .model(error.description(in: folder))
  } catch let error as RegistryError {
    throw .model(error.description)
  } catch let error as TokenizerError {
    throw .model("\(folder)/\(error)")
  } catch let failure as EvaluationFailure {
    throw .model(failure.description)
  } catch let failure as TrainingFailure {
    if case .output = failure { throw .output(failure.description) }
    throw .training(failure)
  } catch let error as FileError {
    throw .output(error.description)
  } catch {
    throw .output("\(folder): \(error.localizedDescription)")
  }
}

extension LearningFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .data(let error): error.exitStatus
    case .tooLittleData: .data
    case .model: .noInput
    case .output: .output
    case .training: .software
    case .stopped: .temporary
    }
  }
}
