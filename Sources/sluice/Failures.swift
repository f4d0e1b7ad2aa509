import ArgumentParser
import Augmentation
import Datasets
import DeadLetters
import Evaluation
import FilterService
import Glibc
import Guard
import Learning
import Hosting
import LabelService
import ModelRegistry
import Pipeline
import Retraining
import Settings

/// Ends the command with one clear message and the exit code of sysexits.h.
func fail(_ message: String, code: Int32) -> ExitCode {
  printError("sluice: \(message)")
  return ExitCode(code)
}

/// Writes a line to standard error.
func printError(_ text: String) {
  let line = text + "\n"
  _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
}

/// The settings in a file, or the exit after all their mistakes were shown.
func loadSettings(_ path: String) throws -> Settings {
  do throws(SettingsError) {
    return try Settings(file: path)
  } catch {
    printError(error.description)
    let count = error.problems.count
    throw fail("\(count) \(count == 1 ? "mistake" : "mistakes") in \(path)", code: 78)
  }
}

/// The exit that an error stands for.
func exitError(for error: any Error) -> any Error {
  switch error {
  case let failure as GuardModelFailure:
    switch failure {
    case .settings(let text): fail(text, code: 78)
    case .unusable(let text): fail(text, code: 66)
    case .device(let text): fail(text, code: 69)
    }
  case let failure as StartFailure:
    switch failure {
    case .configuration(let text): fail(text, code: 78)
    case .model(let text): fail(text, code: 66)
    case .unavailable(let text): fail(text, code: 69)
    }
  case let failure as DeadLetterFailure:
    switch failure {
    case .unavailable(let text): fail(text, code: 69)
    }
  case let failure as LabelFailure:
    switch failure {
    case .brokers(let text): fail(text, code: 69)
    case .store(let text): fail(text, code: 70)
    }
  case let failure as StreamFailure:
    switch failure {
    case .source, .sink: fail(failure.description, code: 69)
    case .classifier: fail(failure.description, code: 70)
    case .poison: fail(failure.description, code: 65)
    }
  case let error as DatasetError: fail(error.description, code: error.line == nil ? 66 : 65)
  case let failure as LearningFailure:
    switch failure {
    case .data(let error): exitError(for: error)
    case .tooLittleData(let text): fail(text, code: 65)
    case .model(let text): fail(text, code: 66)
    case .output(let text): fail(text, code: 73)
    case .training: fail(failure.description, code: 70)
    case .stopped: fail(failure.description, code: 75)
    }
  case let failure as RetrainFailure:
    switch failure {
    case .busy, .stopped: fail(failure.description, code: 75)
    case .configuration: fail(failure.description, code: 78)
    case .unavailable: fail(failure.description, code: 69)
    case .data: fail(failure.description, code: 65)
    case .model: fail(failure.description, code: 66)
    case .output: fail(failure.description, code: 73)
    case .store, .registry, .training: fail(failure.description, code: 70)
    }
  case let failure as RegistryError:
    switch failure.kind {
    case .missing: fail(failure.description, code: 66)
    case .exists, .damaged, .refused: fail(failure.description, code: 65)
    case .busy: fail(failure.description, code: 69)
    case .system: fail(failure.description, code: 70)
    }
  case let failure as EvaluationFailure:
    switch failure {
    case .dataset(let error): fail(error.description, code: error.line == nil ? 66 : 65)
    case .unsuitable(let text): fail(text, code: 65)
    case .model(let failure): exitError(for: failure)
    case .calibration(let error): fail(error.description, code: 66)
    case .classifier(let failure): exitError(for: failure)
    case .output(let text): fail(text, code: 73)
    }
  case let failure as AugmentationError:
    switch failure {
    case .data: fail(failure.description, code: 65)
    case .file: fail(failure.description, code: 66)
    case .server: fail(failure.description, code: 78)
    case .unavailable: fail(failure.description + "; run the same command to go on", code: 69)
    }
  case let failure as ClassifierFailure: fail("the model failed: \(failure.detail)", code: 70)
  case is ExitCode: error
  default: fail("\(error)", code: 70)
  }
}
