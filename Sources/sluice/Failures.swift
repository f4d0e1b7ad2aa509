import ArgumentParser
import Basics
import Glibc
internal import Sections
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
    throw mistakesExit(error.problems, in: path)
  }
}

/// The exit after these mistakes in a settings file, which are shown.
func mistakesExit(_ problems: [SettingsProblem], in path: String) -> ExitCode {
  for problem in problems { printError(problem.description) }
  let count = problems.count
  return fail("\(count) \(count == 1 ? "mistake" : "mistakes") in \(path)", code: 78)
}

/// The exit that an error stands for.
func exitError(for error: any Error) -> any Error {
  switch error {
  case let error as any CommandError: fail(error.description, code: error.exitStatus.rawValue)
  case is ExitCode: error
  default: fail("\(error)", code: ExitStatus.software.rawValue)
  }
}

/// The exit of a command that only has others below it, and was given none.
func noCommand(_ command: any ParsableCommand.Type) -> ExitCode {
  printError(Sluice.helpMessage(for: command))
  return fail("a command is missing", code: ExitCode.validationFailure.rawValue)
}
